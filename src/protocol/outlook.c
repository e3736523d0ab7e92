/*
 * Outlook's POX Autodiscover (MS-OXDSCLI 2.2.4). One service of each type goes out: some clients
 * take the first of several, some the last.
 */

#include "protocol/autodiscover.h"
#include "protocol/templates.h"
#include "template/value.h"
#include "util/base.h"

/* CalDAV and CardDAV are nothing of Outlook's; eM Client reads them, where a provider likes. */
static const enum service_kind kinds[] = { SERVICE_IMAP, SERVICE_POP3, SERVICE_SUBMISSION,
					   SERVICE_CALDAV, SERVICE_CARDDAV };

static const char *const types[SERVICE_KINDS] = {
	[SERVICE_IMAP] = "IMAP",     [SERVICE_POP3] = "POP3",	    [SERVICE_SUBMISSION] = "SMTP",
	[SERVICE_CALDAV] = "CalDAV", [SERVICE_CARDDAV] = "CardDAV",
};

/* Encryption is what Outlook 2010 and later read, SSL what Outlook 2007 and Thunderbird do: "off"
 * beside STARTTLS would be plaintext to these. */
static const struct {
	const char *ssl, *encryption;
} securities[] = {
	[SECURITY_TLS] = { "on", "SSL" },
	[SECURITY_STARTTLS] = { "on", "TLS" },
	[SECURITY_PLAIN] = { "off", "None" },
};

static bool any_password(const struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->n_authentications; i++)
		if (endpoint->authentications[i] != AUTHENTICATION_NTLM &&
		    endpoint->authentications[i] != AUTHENTICATION_GSSAPI)
			return true;
	return false;
}

/* Only to send can be free: a mailbox without a login is nobody's. */
static bool needs_no_password(const struct endpoint *endpoint)
{
	return endpoint->kind == SERVICE_SUBMISSION &&
	       (endpoint->authentications[0] == AUTHENTICATION_NONE ||
		endpoint->authentications[0] == AUTHENTICATION_CLIENT_IP_ADDRESS);
}

static bool has_same_login(const struct profile *profile, const struct endpoint *endpoint,
			   enum service_kind kind)
{
	const struct endpoint *other = profile_first(profile, kind);

	return !other || text_equals(other->login_template, endpoint->login_template);
}

/* With UsePOPAuth the server that sends mail gets the login of the one that it is fetched from,
 * IMAP or POP3, and the LoginName beside it counts for nothing. */
static bool shares_login(const struct profile *profile, const struct endpoint *endpoint)
{
	return !needs_no_password(endpoint) && has_same_login(profile, endpoint, SERVICE_IMAP) &&
	       has_same_login(profile, endpoint, SERVICE_POP3);
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

static struct value protocol_view(struct arena *memory, const struct profile *profile,
				  const struct endpoint *endpoint)
{
	const struct field fields[] = {
		{ "type", value_text(types[endpoint->kind]) },
		{ "ttl", value_text(arena_printf(memory, "%u", profile->ttl)) },
		{ "server", value_text(endpoint->url ? endpoint->url : endpoint->host) },
		{ "port", value_text(arena_printf(memory, "%u", endpoint->port)) },
		{ "is_mail", value_bool(!endpoint->url) },
		{ "login", value_text(endpoint->login) },
		{ "spa", value_text(on_off(!any_password(endpoint))) },
		{ "ssl", value_text(securities[endpoint->security].ssl) },
		{ "encryption", value_text(securities[endpoint->security].encryption) },
		{ "auth_required", value_text(on_off(!needs_no_password(endpoint))) },
		{ "smtp", value_bool(endpoint->kind == SERVICE_SUBMISSION) },
		{ "use_pop_auth", value_text(on_off(shares_login(profile, endpoint))) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static struct value outlook_view(struct arena *memory, const struct profile *profile)
{
	struct value *protocols = arena_array(memory, struct value, SERVICE_KINDS);
	size_t count = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct endpoint *endpoint = profile_first(profile, kinds[i]);

		if (endpoint && (!endpoint->url || profile->pox_dav))
			protocols[count++] = protocol_view(memory, profile, endpoint);
	}

	const struct field fields[] = {
		{ "person", value_text(profile->person) },
		{ "address", value_text(profile->address ? profile->address->text : NULL) },
		{ "protocols", value_list(protocols, count) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static bool has_mail(const struct profile *profile)
{
	return profile_first(profile, SERVICE_IMAP) || profile_first(profile, SERVICE_POP3) ||
	       profile_first(profile, SERVICE_SUBMISSION);
}

static const struct document_template outlook_template = { "outlook.xml", outlook_view };
static const struct document_template outlook_redirect_template = { "outlook-redirect.xml",
								    autodiscover_redirect_view };

static enum failure outlook_render(const struct site *site, struct arena *memory,
				   const struct profile *profile, struct response *response)
{
	const struct document_template *template = &outlook_template;
	struct value view;

	if (profile->moved_url || profile->moved_address) {
		template = &outlook_redirect_template;
		view = autodiscover_redirect_view(memory, profile);
	} else if (has_mail(profile)) {
		view = outlook_view(memory, profile);
	} else {
		return FAILURE_NOT_OFFERED;
	}
	response->cache_control = profile->address ? "no-store" : "max-age=300";
	templates_render(site->templates, template, memory, &view, response);
	return FAILURE_NONE;
}

static const struct route outlook_routes[] = {
	{ "/autodiscover/autodiscover.xml", "GET, HEAD, POST", autodiscover_parse,
	  ROUTE_REDIRECT_SAME },
	{ 0 },
};

static const struct document_template *const outlook_templates[] = {
	&outlook_template,
	&outlook_redirect_template,
	&autodiscover_error_template,
	NULL,
};

const struct protocol protocol_outlook = {
	.name = "outlook",
	.routes = outlook_routes,
	.templates = outlook_templates,
	.preview = { "autodiscover", AUTODISCOVER_OUTLOOK_SCHEMA, .takes_address = true },
	.tells_logins = true,
	.tells_moves = true,
	.render = outlook_render,
	.fail = autodiscover_fail,
};
