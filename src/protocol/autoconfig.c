/*
 * Thunderbird's autoconfig, which many clients read. Some send the address (Thunderbird, Evolution,
 * FairEmail), some only ask the right host (Thunderbird for Android, KMail, Geary); an address that
 * cannot be read is as good as none, for a refusal would leave the person with nothing.
 */

#include "protocol/protocol.h"

#include "protocol/templates.h"
#include "util/digest.h"
#include "util/idna.h"

/* Evolution 3.46 keeps the local part to itself, sends this one, and replaces it in the answer. It
 * adds the MD5 of the address as it was typed. */
#define EVOLUTION_LOCAL_PART "EVOLUTIONUSER"
#define EVOLUTION_MD5 "emailmd5"

struct question autoconfig_parse(struct arena *memory, const struct request *request)
{
	const char *text = request_argument(memory, request, "emailaddress", "email");
	struct question question = question_of_address(memory, request, &protocol_autoconfig, text);
	struct query *query = &question.query;
	struct md5 *md5;

	if (question.failure != FAILURE_NONE)
		question = question_of_host(memory, request, &protocol_autoconfig);
	query->host_may_answer = true;
	if (!query->address || !text_equals(query->address->local, EVOLUTION_LOCAL_PART))
		return question;
	query->address = NULL;
	query->replaced = EVOLUTION_LOCAL_PART;
	/* An MD5 that cannot be read is as good as none, too. */
	text = request_only_argument(memory, request, EVOLUTION_MD5);
	md5 = arena_new(memory, struct md5);
	if (text && md5_parse(text, md5))
		query->md5 = md5;
	return question;
}

const char *autoconfig_target(struct arena *memory, const struct query *query,
			      const struct match *match)
{
	const char *path = "/mail/config-v1.1.xml?emailaddress=";

	if (query->address && !match->is_host)
		return arena_printf(memory, "%s%s", path,
				    percent_encode(memory, query->address->text));
	if (query->md5 && !match->is_host)
		return arena_printf(memory, "%s" EVOLUTION_LOCAL_PART "%%40%s&" EVOLUTION_MD5 "=%s",
				    path, match->domain, md5_text(memory, query->md5));
	return arena_printf(memory, "/v1.1/%s", match->domain);
}

static const char *const socket_types[] = {
	[SECURITY_TLS] = "SSL",
	[SECURITY_STARTTLS] = "STARTTLS",
	[SECURITY_PLAIN] = "plain",
};

/* "/v1.1/example.org", as the public provider database is asked: for Thunderbird's setting
 * mailnews.auto_config_url. */
static struct question parse_domain_in_path(struct arena *memory, const struct request *request)
{
	const char *path = request_path(memory, request);
	const char *domain = idna_to_ascii(memory, strrchr(path, '/') + 1);

	return (struct question){
		.protocol = &protocol_autoconfig,
		.query = { .domain = domain, .host = request_host(memory, request) },
		.failure = domain ? FAILURE_NONE : FAILURE_UNKNOWN_DOMAIN,
	};
}

/* The element of a kind of service in the document. Version 1.1 has the first
 * two groups of elements; readers of that version pass over all that follows them. */
enum group { GROUP_NONE, GROUP_INCOMING, GROUP_OUTGOING, GROUP_URL_INCOMING, GROUP_ROOT };

static const struct {
	enum group group;
	const char *type;
	const char *element; /* in GROUP_ROOT */
} kinds[SERVICE_KINDS] = {
	[SERVICE_IMAP] = { GROUP_INCOMING, "imap" },
	[SERVICE_POP3] = { GROUP_INCOMING, "pop3" },
	[SERVICE_SUBMISSION] = { GROUP_OUTGOING, "smtp" },
	[SERVICE_JMAP] = { GROUP_URL_INCOMING, "jmap" },
	[SERVICE_CALDAV] = { GROUP_ROOT, "caldav", "calendar" },
	[SERVICE_CARDDAV] = { GROUP_ROOT, "carddav", "addressbook" },
	[SERVICE_WEBDAV] = { GROUP_ROOT, "webdav", "fileShare" },
	[SERVICE_MANAGESIEVE] = { GROUP_ROOT, "managesieve", "setupServer" },
};

static struct value wish_view(enum wish wish)
{
	return value_text(wish == WISH_NONE ? NULL : wish == WISH_YES ? "true" : "false");
}

static struct value number_view(struct arena *memory, unsigned number)
{
	return value_text(number ? arena_printf(memory, "%u", number) : NULL);
}

static struct value server_view(struct arena *memory, const struct endpoint *endpoint)
{
	struct value *ways = arena_array(memory, struct value, endpoint->n_authentications);
	const struct pop3_wishes *wishes = &endpoint->pop3;
	struct value pop3 = value_bool(false);

	/* Over HTTP passwords have schemes of their own (draft-ietf-mailmaint-autoconfig,
	 * "Authentication"); the other ways have the same names. */
	for (size_t i = 0; i < endpoint->n_authentications; i++) {
		enum authentication way = endpoint->authentications[i];
		const char *scheme = way == AUTHENTICATION_PASSWORD_CLEARTEXT	? "Basic"
				     : way == AUTHENTICATION_PASSWORD_ENCRYPTED ? "Digest"
										: NULL;
		bool is_http = endpoint->url && scheme;

		ways[i] = VALUE_MAP(
			memory, { "name", value_text(is_http ? scheme : authentication_name(way)) },
			{ "system", value_text(is_http ? "http" : NULL) });
	}
	if (pop3_wishes_any(wishes))
		pop3 = VALUE_MAP(memory, { "leave_on_server", wish_view(wishes->leave_on_server) },
				 { "leave_days", number_view(memory, wishes->leave_days) },
				 { "check_interval", number_view(memory, wishes->check_interval) },
				 { "download_at_check", wish_view(wishes->download_at_check) });
	return VALUE_MAP(memory, { "element", value_text(kinds[endpoint->kind].element) },
			 { "type", value_text(kinds[endpoint->kind].type) },
			 { "url", value_text(endpoint->url) },
			 { "hostname", value_text(endpoint->host) },
			 { "port", number_view(memory, endpoint->port) },
			 { "socket_type", value_text(socket_types[endpoint->security]) },
			 { "username", value_text(endpoint->login_template) },
			 { "authentications", value_list(ways, endpoint->n_authentications) },
			 { "pop3", pop3 });
}

static struct value servers_view(struct arena *memory, const struct profile *profile,
				 enum group group)
{
	struct value *servers = arena_array(memory, struct value, profile->n_endpoints);
	size_t count = 0;

	for (size_t i = 0; i < profile->n_endpoints; i++)
		if (kinds[profile->endpoints[i].kind].group == group)
			servers[count++] = server_view(memory, &profile->endpoints[i]);
	return value_list(servers, count);
}

static struct value links_view(struct arena *memory, const struct profile *profile,
			       enum link_kind kind)
{
	struct value *links = arena_array(memory, struct value, profile->n_links);
	size_t count = 0;

	for (const struct link *link = profile->links; link < profile->links + profile->n_links;
	     link++) {
		struct value *texts;

		if (link->kind != kind)
			continue;
		texts = arena_array(memory, struct value, link->n_texts);
		for (size_t i = 0; i < link->n_texts; i++)
			texts[i] = VALUE_MAP(memory,
					     { "language", value_text(link->texts[i].language) },
					     { "text", value_text(link->texts[i].text) });
		links[count++] = VALUE_MAP(memory, { "url", value_text(link->url) },
					   { "has_texts", value_bool(link->n_texts > 0) },
					   { "texts", value_list(texts, link->n_texts) });
	}
	return value_list(links, count);
}

static struct value autoconfig_view(struct arena *memory, const struct profile *profile)
{
	const struct oauth2 *oauth2 = &profile->oauth2;
	struct value tokens = value_bool(false);

	if (oauth2->issuer)
		tokens = VALUE_MAP(memory, { "issuer", value_text(oauth2->issuer) },
				   { "scope", value_text(oauth2->scope) },
				   { "auth_url", value_text(oauth2->auth_url) },
				   { "token_url", value_text(oauth2->token_url) });
	return VALUE_MAP(memory, { "domain", value_text(profile->domain) },
			 { "display_name", value_text(profile->display_name) },
			 { "short_name", value_text(profile->short_name) },
			 { "incoming", servers_view(memory, profile, GROUP_INCOMING) },
			 { "outgoing", servers_view(memory, profile, GROUP_OUTGOING) },
			 { "url_incoming", servers_view(memory, profile, GROUP_URL_INCOMING) },
			 { "beside", servers_view(memory, profile, GROUP_ROOT) },
			 { "documentation", links_view(memory, profile, LINK_DOCUMENTATION) },
			 { "enable", links_view(memory, profile, LINK_ENABLE) },
			 { "oauth2", tokens }, { "webmail", value_text(profile->webmail) });
}

static const struct document_template autoconfig_template = { "autoconfig.xml", autoconfig_view };

static enum failure autoconfig_render(const struct site *site, struct arena *memory,
				      const struct profile *profile, struct response *response)
{
	size_t known = 0;

	while (known < profile->n_endpoints &&
	       kinds[profile->endpoints[known].kind].group == GROUP_NONE)
		known++;
	if (known == profile->n_endpoints)
		return FAILURE_NOT_OFFERED;
	response->cache_control = profile->is_personal ? "private, no-cache" : "max-age=300";
	templates_render(site->templates, &autoconfig_template, memory,
			 autoconfig_view(memory, profile), response);
	return FAILURE_NONE;
}

static const struct route autoconfig_routes[] = {
	{ "/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse, ROUTE_REDIRECT_AUTOCONFIG },
	{ "/.well-known/autoconfig/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse,
	  ROUTE_REDIRECT_AUTOCONFIG },
	{ "/v1.1/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse, ROUTE_REDIRECT_AUTOCONFIG },
	{ "/.well-known/mail-v1.xml", "GET, HEAD", autoconfig_parse, ROUTE_REDIRECT_AUTOCONFIG },
	{ "/v1.1/", "GET, HEAD", parse_domain_in_path, ROUTE_REDIRECT_AUTOCONFIG },
	{ 0 },
};

static const struct document_template *const autoconfig_templates[] = { &autoconfig_template,
									NULL };

const struct protocol protocol_autoconfig = {
	.name = "autoconfig",
	.routes = autoconfig_routes,
	.templates = autoconfig_templates,
	.preview = { "autoconfig", .argument = "?emailaddress=", .takes_address = true,
		     .takes_domain = true },
	.tells_logins = true,
	.render = autoconfig_render,
	.fail = fail_with_status,
};
