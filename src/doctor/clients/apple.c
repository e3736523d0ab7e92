/*
 * A device of Apple: somebody opens the link to the configuration profile, signed or not. What
 * Apple documents as required must be there. UseSSL is off where it is absent, and with it the port
 * tells how a service encrypts. Without a login the device asks for one, and proposes the address.
 */

#include "doctor/client-document.h"
#include "protocol/mobileconfig.h"
#include "tls/signed.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* The value of the key in a <dict>, NULL where there is none. */
static const struct xml_element *value_of(const struct xml_element *dict, const char *key)
{
	for (const struct xml_element *at = dict->first_child; at && at->next; at = at->next->next)
		if (text_equals(at->name, "key") && text_equals(at->text, key))
			return at->next;
	return NULL;
}

/* Texts are "" where they are absent, or something else. */
static const char *text_of(const struct xml_element *dict, const char *key)
{
	const struct xml_element *value = value_of(dict, key);

	return value && text_equals(value->name, "string") ? value->text : "";
}

static bool is_true(const struct xml_element *dict, const char *key, bool otherwise)
{
	const struct xml_element *value = value_of(dict, key);

	return value ? text_equals(value->name, "true") : otherwise;
}

static bool read_port(struct arena *memory, const struct xml_element *dict, const char *key,
		      uint16_t otherwise, uint16_t *ret_port)
{
	const struct xml_element *value = value_of(dict, key);
	unsigned long number;

	*ret_port = otherwise;
	if (!value)
		return true;
	if (!text_equals(value->name, "integer") ||
	    !number_parse(document_trim(memory, value->text), 1, UINT16_MAX, &number))
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

/* What every payload needs, and the profile itself. */
static bool is_payload(const struct xml_element *dict)
{
	const struct xml_element *version = value_of(dict, "PayloadVersion");

	return text_equals(dict->name, "dict") && *text_of(dict, "PayloadType") &&
	       *text_of(dict, "PayloadIdentifier") && *text_of(dict, "PayloadUUID") && version &&
	       text_equals(version->name, "integer") && text_equals(version->text, "1");
}

/* How the device reads a server; its keys begin with the prefix. */
struct server {
	const char *prefix;
	enum service_kind kind;
	uint16_t port_with_tls, port_without;
};

static enum setting_security security_of(const struct setting *setting, bool has_ssl)
{
	if (!has_ssl)
		return SETTING_PLAIN;
	return setting->port == 143 || setting->port == 110 || setting->port == 25 ||
			       setting->port == 587
		       ? SETTING_STARTTLS
		       : SETTING_TLS;
}

static bool is_authentication(const char *text)
{
	static const char *const known[] = { "EmailAuthNone", "EmailAuthPassword",
					     "EmailAuthCRAMMD5", "EmailAuthNTLM",
					     "EmailAuthHTTPMD5" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (text_equals(text, known[i]))
			return true;
	return false;
}

static const char *read_server(struct arena *memory, const struct xml_element *payload,
			       const struct server *server, const struct address *address,
			       struct settings_found *settings)
{
	const char *prefix = server->prefix;
	const char *host = text_of(payload, arena_printf(memory, "%sHostName", prefix));
	const char *login = text_of(payload, arena_printf(memory, "%sUsername", prefix));
	bool has_ssl = is_true(payload, arena_printf(memory, "%sUseSSL", prefix), false);
	struct setting setting = {
		.kind = server->kind,
		.host = host,
		.username = *login ? login : address->text,
	};

	if (!document_is_host(host))
		return arena_printf(memory, "it has no good %sHostName", prefix);
	if (!is_authentication(text_of(payload, arena_printf(memory, "%sAuthentication", prefix))))
		return arena_printf(memory, "it has no %sAuthentication that it knows", prefix);
	if (!read_port(memory, payload, arena_printf(memory, "%sPortNumber", prefix),
		       has_ssl ? server->port_with_tls : server->port_without, &setting.port))
		return arena_printf(memory, "its %sPortNumber is none", prefix);
	setting.security = security_of(&setting, has_ssl);
	settings_take_first(settings, &setting);
	return NULL;
}

static const char *read_mail(struct arena *memory, const struct xml_element *payload,
			     const struct address *address, struct settings_found *settings)
{
	static const struct server imap = { "IncomingMailServer", SERVICE_IMAP, 993, 143 },
				   pop = { "IncomingMailServer", SERVICE_POP3, 995, 110 },
				   smtp = { "OutgoingMailServer", SERVICE_SUBMISSION, 587, 25 };
	const char *type = text_of(payload, "EmailAccountType"), *why;
	bool is_imap = text_equals(type, "EmailTypeIMAP");

	if (!is_imap && !text_equals(type, "EmailTypePOP"))
		return "it has no EmailAccountType that it knows";
	why = read_server(memory, payload, is_imap ? &imap : &pop, address, settings);
	return why ? why : read_server(memory, payload, &smtp, address, settings);
}

/* The principal's URL, or that of the host where it is to be found. */
static const char *dav_url(struct arena *memory, const char *host, uint16_t port, bool has_ssl,
			   const char *principal)
{
	const char *base = arena_printf(memory, "http%s://%s", has_ssl ? "s" : "", host);

	if (*principal && *principal != '/')
		return principal;
	if (port != (has_ssl ? 443 : 80))
		base = arena_printf(memory, "%s:%u", base, port);
	return arena_printf(memory, "%s%s", base, *principal ? principal : "/");
}

static const char *read_dav(struct arena *memory, const struct xml_element *payload,
			    const char *prefix, enum service_kind kind,
			    const struct address *address, struct settings_found *settings)
{
	const char *host = text_of(payload, arena_printf(memory, "%sHostName", prefix));
	const char *principal = text_of(payload, arena_printf(memory, "%sPrincipalURL", prefix));
	const char *login = text_of(payload, arena_printf(memory, "%sUsername", prefix));
	bool has_ssl = is_true(payload, arena_printf(memory, "%sUseSSL", prefix), true);
	struct setting setting = { .kind = kind, .username = *login ? login : address->text };
	uint16_t port;

	if (!document_is_host(host) ||
	    !read_port(memory, payload, arena_printf(memory, "%sPort", prefix), has_ssl ? 443 : 80,
		       &port))
		return arena_printf(memory, "it has no good %sHostName or %sPort", prefix, prefix);
	setting.url = dav_url(memory, host, port, has_ssl, principal);
	settings_take_first(settings, &setting);
	return NULL;
}

static const char *read_payload(struct arena *memory, const struct xml_element *payload,
				const struct address *address, struct settings_found *settings)
{
	const char *type = text_of(payload, "PayloadType");

	if (!is_payload(payload))
		return "a payload lacks what all need";
	if (text_equals(type, "com.apple.mail.managed"))
		return read_mail(memory, payload, address, settings);
	if (text_equals(type, "com.apple.caldav.account"))
		return read_dav(memory, payload, "CalDAV", SERVICE_CALDAV, address, settings);
	if (text_equals(type, "com.apple.carddav.account"))
		return read_dav(memory, payload, "CardDAV", SERVICE_CARDDAV, address, settings);
	return NULL;
}

static const char *read_profile(struct arena *memory, const struct xml_element *root,
				const struct address *address, struct settings_found *settings)
{
	const struct xml_element *profile = root->first_child, *content;
	const char *why = NULL;

	if (!text_equals(root->name, "plist") || !profile || !is_payload(profile) ||
	    !text_equals(text_of(profile, "PayloadType"), "Configuration"))
		return "it is no configuration profile";
	content = value_of(profile, "PayloadContent");
	if (!content || !text_equals(content->name, "array"))
		return "it has no PayloadContent";
	for (const struct xml_element *payload = content->first_child; payload && !why;
	     payload = payload->next)
		why = read_payload(memory, payload, address, settings);
	if (why)
		return why;
	return settings->count ? NULL : "it sets up no account";
}

/* DER begins with a SEQUENCE, which is no XML. */
static const char *read_mobileconfig(struct arena *memory, const char *data, size_t size,
				     const struct address *address,
				     struct settings_found *ret_settings)
{
	const struct xml_element *root;
	struct error err;

	if (size > 0 && data[0] == 0x30 &&
	    signed_unwrap(memory, data, size, &data, &size, &err) < 0)
		return arena_strdup(memory, err.text);
	root = xml_parse_whole_with_doctype(memory, data, size, &mobileconfig_doctype, &err);
	if (!root)
		return arena_strdup(memory, err.text);
	return read_profile(memory, root, address, ret_settings);
}

/* Safari hands over what has this type, and shows anything else. */
static bool accepts(int status, const char *media_type)
{
	return status == 200 &&
	       text_starts_with_ignoring_case(media_type, "application/x-apple-aspen-config");
}

const struct client client_apple = {
	.word = "apple",
	.name = "Apple device",
	.is_optional = true,
	.accepts = accepts,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_MOBILECONFIG, QUERY_ENCODED,
			  .read = read_mobileconfig },
			{ 0 },
		},
};
