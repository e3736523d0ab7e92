/*
 * PACC has one way to reach each service: implicit TLS on the usual port, with the address that the
 * person typed as the login, and with one way to authenticate for all services, a password or
 * OAuth2. A provider with other services is refused as a whole, because clients would set up half
 * an account from a document without them.
 *
 * Clients believe the document only if its SHA-256 is in DNS, so the same data must always give the
 * same bytes: keys are sorted, and there is no whitespace.
 */

#include "protocol/pacc.h"

#include <jansson.h>

#include "mail/provider.h"
#include "protocol/protocol.h"

#define HOST_PREFIX "ua-auto-config."

#define LOGIN "%EMAILADDRESS%"

/* Well-known paths have their letter case (RFC 8615 3), and the document has one host. */
static struct question pacc_parse(struct arena *memory, const struct request *request)
{
	const char *host = request_host(memory, request);
	struct question question = { .protocol = &protocol_pacc };

	if (!host || strncmp(host, HOST_PREFIX, strlen(HOST_PREFIX)) != 0 ||
	    !text_equals(request_path(memory, request), protocol_pacc.routes->path)) {
		question.failure = FAILURE_UNKNOWN_DOMAIN;
		return question;
	}
	question.query = (struct query){ .domain = host + strlen(HOST_PREFIX), .host = host };
	return question;
}

struct entry {
	enum service_kind kind;
	const char *name;
	uint16_t port;
	bool needs_path;
};

static const struct entry entries[] = {
	{ SERVICE_IMAP, "imap", 993 },
	{ SERVICE_POP3, "pop3", 995 },
	{ SERVICE_SUBMISSION, "submit", 465 },
	{ SERVICE_MANAGESIEVE, "managesieve", 4190 },
	{ SERVICE_JMAP, "jmap", 443 },
	{ SERVICE_CALDAV, "caldav", 443, .needs_path = true },
	{ SERVICE_CARDDAV, "carddav", 443, .needs_path = true },
	{ SERVICE_WEBDAV, "webdav", 443, .needs_path = true },
};

#define ENTRIES (sizeof(entries) / sizeof(*entries))

static bool has_path(const struct endpoint *endpoint)
{
	return !text_equals(strchr(endpoint->url + strlen("https://"), '/'), "/");
}

static bool takes(const struct endpoint *endpoint, enum authentication authentication)
{
	for (size_t i = 0; i < endpoint->n_authentications; i++)
		if (endpoint->authentications[i] == authentication)
			return true;
	return false;
}

static bool takes_password(const struct endpoint *endpoint)
{
	return takes(endpoint, AUTHENTICATION_PASSWORD_CLEARTEXT) ||
	       takes(endpoint, AUTHENTICATION_PASSWORD_ENCRYPTED);
}

/* Who issues tokens, NULL where that cannot be said: a mere name is of Thunderbird's list. */
static const char *issuer_of(const struct profile *profile)
{
	const char *issuer = profile->oauth2.issuer;

	return issuer && strstr(issuer, "://") ? issuer : NULL;
}

static const char *authentication_misfit(const struct profile *profile,
					 const struct endpoint *endpoint)
{
	if (takes_password(endpoint))
		return NULL;
	if (!issuer_of(profile))
		return "it must take a password";
	return takes(endpoint, AUTHENTICATION_OAUTH2) ? NULL : "it must take a password or OAuth2";
}

/* Why the endpoint cannot be said, NULL where it can. */
static const char *misfit(struct arena *memory, const struct profile *profile,
			  const struct entry *entry, const struct endpoint *endpoint)
{
	if (endpoint->security != SECURITY_TLS || endpoint->port != entry->port)
		return arena_printf(memory, "it needs implicit TLS on port %u", entry->port);
	if (entry->needs_path && !has_path(endpoint))
		return "its URL needs a path";
	if (!text_equals(endpoint->login_template, LOGIN))
		return arena_printf(memory, "its login must be %s, not '%s'", LOGIN,
				    endpoint->login_template);
	return authentication_misfit(profile, endpoint);
}

/* The first endpoint of the entry's kind that can be said. NULL where there is none; *ret_reason is
 * then why the first one cannot, or NULL where there is not even that. */
static const struct endpoint *choose(struct arena *memory, const struct profile *profile,
				     const struct entry *entry, const char **ret_reason)
{
	*ret_reason = NULL;
	for (size_t i = 0; i < profile->n_endpoints; i++) {
		const struct endpoint *endpoint = &profile->endpoints[i];
		const char *reason;

		if (endpoint->kind != entry->kind)
			continue;
		reason = misfit(memory, profile, entry, endpoint);
		if (!reason)
			return endpoint;
		if (!*ret_reason)
			*ret_reason = reason;
	}
	return NULL;
}

/* How a client may log in: PACC says it once, for all services. */
struct ways {
	bool password;
	const char *issuer; /* for OAuth2, or NULL */
};

static struct ways common_ways(struct arena *memory, const struct profile *profile)
{
	struct ways ways = { .password = true, .issuer = issuer_of(profile) };

	for (size_t i = 0; i < ENTRIES; i++) {
		const char *reason;
		const struct endpoint *endpoint = choose(memory, profile, &entries[i], &reason);

		if (endpoint && !takes_password(endpoint))
			ways.password = false;
		if (endpoint && !takes(endpoint, AUTHENTICATION_OAUTH2))
			ways.issuer = NULL;
	}
	return ways;
}

static int check(struct arena *memory, const struct profile *profile, struct error *err)
{
	struct ways ways = common_ways(memory, profile);
	size_t count = 0;

	for (size_t i = 0; i < ENTRIES; i++) {
		const char *reason;

		if (choose(memory, profile, &entries[i], &reason))
			count++;
		else if (reason)
			return error_set(err, ERROR_INPUT,
					 "PACC cannot say how to reach its %s service: %s",
					 service_kind_name(entries[i].kind), reason);
	}
	if (count == 0)
		return error_set(err, ERROR_INPUT, "it has no service that PACC knows");
	if (!ways.password && !ways.issuer)
		return error_set(err, ERROR_INPUT,
				 "PACC needs a way to authenticate that all services take, either "
				 "a password or OAuth2");
	return 0;
}

/* Whatever domain is asked for, the services are the same. */
int pacc_check(struct arena *memory, const struct provider *provider, struct error *err)
{
	const struct query query = { .domain = "example.org" };
	const struct match match = { .domain = query.domain, .provider = *provider };
	struct profile profile = { 0 };

	if (provider->n_services > 0 && profile_build(memory, &query, &match, &profile, err) < 0)
		return -1;
	return check(memory, &profile, err);
}

static json_t *authentication_of(struct arena *memory, const struct profile *profile)
{
	struct ways ways = common_ways(memory, profile);
	json_t *authentication = json_pack("{sb}", "password", ways.password);

	if (ways.issuer)
		json_object_set_new(authentication, "oauth-public",
				    json_pack("{ss}", "issuer", ways.issuer));
	return authentication;
}

/* There is room for one page, in no language. */
static json_t *help_of(const struct profile *profile)
{
	for (size_t i = 0; i < profile->n_links; i++)
		if (profile->links[i].kind == LINK_DOCUMENTATION)
			return json_pack("{ss}", "documentation", profile->links[i].url);
	return NULL;
}

static json_t *protocols_of(struct arena *memory, const struct profile *profile)
{
	json_t *protocols = json_object();

	for (size_t i = 0; i < ENTRIES; i++) {
		const struct endpoint *endpoint;
		const char *reason;

		endpoint = choose(memory, profile, &entries[i], &reason);
		if (endpoint)
			json_object_set_new(protocols, entries[i].name,
					    endpoint->url
						    ? json_pack("{ss}", "url", endpoint->url)
						    : json_pack("{ss}", "host", endpoint->host));
	}
	return protocols;
}

/* Of names only a domain can be too long, and that is ASCII. */
static json_t *provider_of(struct arena *memory, const struct profile *profile)
{
	const char *name = profile->display_name;

	if (utf8_length(name) > DISPLAY_NAME_MAX_LENGTH)
		name = arena_strndup(memory, name, DISPLAY_NAME_MAX_LENGTH);
	return json_pack("{ssss*}", "name", name, "shortName", profile->short_name);
}

static char *document_of(struct arena *memory, const struct profile *profile)
{
	json_t *document = json_pack("{sos{soso*}so}", "authentication",
				     authentication_of(memory, profile), "info", "provider",
				     provider_of(memory, profile), "help", help_of(profile),
				     "protocols", protocols_of(memory, profile));
	char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(document);
	return text;
}

static enum failure render(const struct site *site, struct arena *memory,
			   const struct profile *profile, struct response *response)
{
	_cleanup_(freep) char *text = NULL;
	struct error err;

	if (!profile->pacc || check(memory, profile, &err) < 0)
		return FAILURE_NOT_OFFERED;
	text = document_of(memory, profile);
	if (!text)
		return FAILURE_BROKEN;
	response->status = 200;
	response->media_type = "application/json";
	response->cache_control = "max-age=300";
	response->allow_origin = "*";
	response->body = arena_strdup(memory, text);
	response->size = strlen(text);
	return FAILURE_NONE;
}

static const struct route pacc_routes[] = {
	{ "/.well-known/user-agent-configuration.json", "GET, HEAD", pacc_parse },
	{ 0 },
};

const struct protocol protocol_pacc = {
	.name = "pacc",
	.routes = pacc_routes,
	.preview = { "ua-auto-config", .takes_domain = true, .has_digest = true },
	.render = render,
	.fail = fail_with_status,
};
