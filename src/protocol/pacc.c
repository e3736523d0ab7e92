/*
 * PACC has one way to reach each service: implicit TLS on the usual port, with the address that the
 * person typed as the login, and with one way to authenticate for all services, a password or
 * OAuth2. A provider with other services is refused as a whole, because clients would set up half
 * an account from a document without them.
 *
 * Clients believe the document only if its SHA-256 is in DNS, so the same data must always give the
 * same bytes: keys are sorted, and there is no whitespace.
 */

#include "protocol/protocol.h"

#include <jansson.h>

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

/* Why the endpoint cannot be said, NULL where it can. */
static const char *misfit(struct arena *memory, const char *issuer, const struct entry *entry,
			  const struct endpoint *endpoint)
{
	if (endpoint->security != SECURITY_TLS || endpoint->port != entry->port)
		return arena_printf(memory, "it needs implicit TLS on port %u", entry->port);
	if (entry->needs_path && text_equals(endpoint->path, "/"))
		return "its URL needs a path";
	if (!text_equals(endpoint->login_template, LOGIN))
		return arena_printf(memory, "its login must be %s, not '%s'", LOGIN,
				    endpoint->login_template);
	if (takes_password(endpoint) || (issuer && takes(endpoint, AUTHENTICATION_OAUTH2)))
		return NULL;
	return issuer ? "it must take a password or OAuth2" : "it must take a password";
}

/* What the document says: for each entry the first endpoint that can be said, or NULL; and how a
 * client may log in, once for all of them. */
struct pacc_choice {
	const struct endpoint *endpoints[ENTRIES];
	bool password;
	const char *issuer; /* for OAuth2, or NULL */
};

static int choose(struct arena *memory, const struct profile *profile,
		  struct pacc_choice *ret_choice, struct error *err)
{
	/* A mere name is of Thunderbird's list. */
	const char *issuer = profile->oauth2.issuer && strstr(profile->oauth2.issuer, "://")
				     ? profile->oauth2.issuer
				     : NULL;
	struct pacc_choice choice = { .password = true, .issuer = issuer };
	size_t count = 0;

	for (size_t i = 0; i < ENTRIES; i++) {
		const char *reason = NULL;

		for (size_t j = 0; j < profile->n_endpoints && !choice.endpoints[i]; j++) {
			const struct endpoint *endpoint = &profile->endpoints[j];
			const char *why;

			if (endpoint->kind != entries[i].kind)
				continue;
			why = misfit(memory, issuer, &entries[i], endpoint);
			if (!why)
				choice.endpoints[i] = endpoint;
			reason = reason ?: why;
		}
		if (!choice.endpoints[i] && reason)
			return error_set(err, ERROR_INPUT,
					 "PACC cannot say how to reach its %s service: %s",
					 service_kind_name(entries[i].kind), reason);
		if (!choice.endpoints[i])
			continue;
		count++;
		choice.password &= takes_password(choice.endpoints[i]);
		if (!takes(choice.endpoints[i], AUTHENTICATION_OAUTH2))
			choice.issuer = NULL;
	}
	if (count == 0)
		return error_set(err, ERROR_INPUT, "it has no service that PACC knows");
	if (!choice.password && !choice.issuer)
		return error_set(err, ERROR_INPUT,
				 "PACC needs a way to authenticate that all services take, either "
				 "a password or OAuth2");
	*ret_choice = choice;
	return 0;
}

/* Whatever domain is asked for, the services are the same. */
int pacc_check(struct arena *memory, const struct provider *provider, struct error *err)
{
	const struct query query = { .domain = "example.org" };
	const struct match match = { .domain = query.domain, .provider = *provider };
	struct profile profile = { 0 };
	struct pacc_choice choice;

	if (provider->n_services > 0 && profile_build(memory, &query, &match, &profile, err) < 0)
		return -1;
	return choose(memory, &profile, &choice, err);
}

static char *document_of(struct arena *memory, const struct profile *profile,
			 const struct pacc_choice *choice)
{
	const char *name = profile->display_name, *help = NULL;
	json_t *protocols = json_object(), *document;
	char *text;

	/* Of names only a domain can be too long, and that is ASCII. */
	if (utf8_length(name) > DISPLAY_NAME_MAX_LENGTH)
		name = arena_strndup(memory, name, DISPLAY_NAME_MAX_LENGTH);
	/* There is room for one page, in no language. */
	for (size_t i = 0; i < profile->n_links && !help; i++)
		if (profile->links[i].kind == LINK_DOCUMENTATION)
			help = profile->links[i].url;
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct endpoint *endpoint = choice->endpoints[i];

		if (endpoint)
			json_object_set_new(protocols, entries[i].name,
					    json_pack("{ss}", endpoint->url ? "url" : "host",
						      endpoint->url ?: endpoint->host));
	}
	document = json_pack(
		"{s{sbso*}s{s{ssss*}so*}so}", "authentication", "password", choice->password,
		"oauth-public", choice->issuer ? json_pack("{ss}", "issuer", choice->issuer) : NULL,
		"info", "provider", "name", name, "shortName", profile->short_name, "help",
		help ? json_pack("{ss}", "documentation", help) : NULL, "protocols", protocols);
	text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(document);
	return text;
}

static enum failure render(const struct site *site, struct arena *memory,
			   const struct profile *profile, struct response *response)
{
	_cleanup_(freep) char *text = NULL;
	struct pacc_choice choice;
	struct error err;

	if (!profile->pacc || choose(memory, profile, &choice, &err) < 0)
		return FAILURE_NOT_OFFERED;
	text = document_of(memory, profile, &choice);
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
