/*
 * An Apple device reads configuration profiles, signed or not. What Apple documents as required
 * must be there. UseSSL is off for mail where it is absent; if it is on, the port decides between
 * TLS and STARTTLS. Without a login the device asks for one, and proposes the address.
 */

#include "doctor/client-document.h"
#include "protocol/mobileconfig.h"
#include "tls/cms.h"
#include "util/base.h"

/* The value of the key in a <dict>, NULL where there is none. */
static const struct xml_element *value_of(const struct xml_element *dict, const char *key)
{
	for (const struct xml_element *at = dict->first_child; at && at->next; at = at->next->next)
		if (text_equals(at->name, "key") && text_equals(at->text, key))
			return at->next;
	return NULL;
}

/* "" where it is absent, or not a string. */
static const char *string_value(const struct xml_element *dict, const char *key)
{
	const struct xml_element *value = value_of(dict, key);

	return value && text_equals(value->name, "string") ? value->text : "";
}

/* What every payload needs, and the profile itself. */
static bool is_payload(const struct xml_element *dict)
{
	const struct xml_element *version = value_of(dict, "PayloadVersion");

	return text_equals(dict->name, "dict") && *string_value(dict, "PayloadType") &&
	       *string_value(dict, "PayloadIdentifier") && *string_value(dict, "PayloadUUID") &&
	       version && text_equals(version->name, "integer") && text_equals(version->text, "1");
}

/* The keys of a server begin with the prefix. */
struct profile_server {
	const char *prefix, *port_key;
	enum service_kind kind;
	uint16_t port_with_tls, port_without;
	bool uses_tls; /* by default */
};

static bool read_port(struct client_reading *reading, const struct xml_element *value,
		      uint16_t *port)
{
	unsigned long number;

	if (!value)
		return true;
	if (!text_equals(value->name, "integer") ||
	    !number_parse(text_trim(reading->memory, value->text), 1, UINT16_MAX, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

/* What mail and DAV have in common. Returns NULL, or why the profile is rejected. */
static const char *read_profile_server(struct client_reading *reading,
				       const struct xml_element *payload,
				       const struct profile_server *server, struct setting *setting)
{
	struct arena *memory = reading->memory;
	const char *prefix = server->prefix;
	const char *login = string_value(payload, arena_printf(memory, "%sUsername", prefix));
	const char *port_key = arena_printf(memory, "%s%s", prefix, server->port_key);
	const struct xml_element *ssl = value_of(payload, arena_printf(memory, "%sUseSSL", prefix));
	bool uses_tls = ssl ? text_equals(ssl->name, "true") : server->uses_tls;

	*setting = (struct setting){
		.kind = server->kind,
		.host = string_value(payload, arena_printf(memory, "%sHostName", prefix)),
		.port = uses_tls ? server->port_with_tls : server->port_without,
		.security = uses_tls ? SETTING_TLS : SETTING_PLAIN,
		.username = *login ? login : reading->address->text,
	};
	if (!text_is_host(setting->host))
		return arena_printf(memory, "no valid %sHostName", prefix);
	if (!read_port(reading, value_of(payload, port_key), &setting->port))
		return arena_printf(memory, "invalid %s", port_key);
	return NULL;
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

static const char *read_mail_server(struct client_reading *reading,
				    const struct xml_element *payload,
				    const struct profile_server *server)
{
	const char *key = arena_printf(reading->memory, "%sAuthentication", server->prefix);
	struct setting setting;
	const char *why = read_profile_server(reading, payload, server, &setting);

	if (why)
		return why;
	if (!is_authentication(string_value(payload, key)))
		return arena_printf(reading->memory, "no known %s", key);
	if (setting.security == SETTING_TLS && (setting.port == 143 || setting.port == 110 ||
						setting.port == 25 || setting.port == 587))
		setting.security = SETTING_STARTTLS;
	settings_add(&reading->settings, &setting);
	return NULL;
}

static const char *read_mail(struct client_reading *reading, const struct xml_element *payload)
{
	static const struct profile_server imap = { "IncomingMailServer", "PortNumber",
						    SERVICE_IMAP, 993, 143 },
					   pop3 = { "IncomingMailServer", "PortNumber",
						    SERVICE_POP3, 995, 110 },
					   smtp = { "OutgoingMailServer", "PortNumber",
						    SERVICE_SUBMISSION, 587, 25 };
	const char *type = string_value(payload, "EmailAccountType"), *why;
	bool is_imap = text_equals(type, "EmailTypeIMAP");

	if (!is_imap && !text_equals(type, "EmailTypePOP"))
		return "no known EmailAccountType";
	why = read_mail_server(reading, payload, is_imap ? &imap : &pop3);
	return why ? why : read_mail_server(reading, payload, &smtp);
}

/* The URL is that of the principal, or the root of the host. */
static const char *read_dav(struct client_reading *reading, const struct xml_element *payload,
			    const struct profile_server *server)
{
	struct arena *memory = reading->memory;
	const char *principal = string_value(
		payload, arena_printf(memory, "%sPrincipalURL", server->prefix));
	struct setting setting;
	const char *why = read_profile_server(reading, payload, server, &setting);
	struct http_request request = {
		.is_tls = setting.security == SETTING_TLS,
		.host = setting.host,
		.port = setting.port,
		.target = *principal ? principal : "/",
	};

	if (why)
		return why;
	setting.url = *principal && *principal != '/' ? principal : http_url(memory, &request);
	setting.host = NULL;
	settings_add(&reading->settings, &setting);
	return NULL;
}

static const char *read_payload(struct client_reading *reading, const struct xml_element *payload)
{
	static const struct profile_server caldav = { "CalDAV", "Port", SERVICE_CALDAV,
						      443,	80,	.uses_tls = true },
					   carddav = { "CardDAV", "Port", SERVICE_CARDDAV,
						       443,	  80,	  .uses_tls = true };
	const char *type = string_value(payload, "PayloadType");

	if (!is_payload(payload))
		return "a payload lacks a required key";
	if (text_equals(type, "com.apple.mail.managed"))
		return read_mail(reading, payload);
	if (text_equals(type, "com.apple.caldav.account"))
		return read_dav(reading, payload, &caldav);
	return text_equals(type, "com.apple.carddav.account") ? read_dav(reading, payload, &carddav)
							      : NULL;
}

static const char *read_profile(struct client_reading *reading, const struct xml_element *root)
{
	const struct xml_element *profile = root->first_child, *content;
	const char *why = NULL;

	if (!text_equals(root->name, "plist") || !profile || !is_payload(profile) ||
	    !text_equals(string_value(profile, "PayloadType"), "Configuration"))
		return "not a configuration profile";
	content = value_of(profile, "PayloadContent");
	if (!content || !text_equals(content->name, "array"))
		return "no PayloadContent";
	for (const struct xml_element *payload = content->first_child; payload && !why;
	     payload = payload->next)
		why = read_payload(reading, payload);
	if (why)
		return why;
	return reading->settings.count ? NULL : "no accounts";
}

/* DER begins with a SEQUENCE, which XML cannot. */
const char *read_mobileconfig(struct client_reading *reading)
{
	const struct xml_element *root;
	const char *data = reading->data;
	size_t size = reading->size;
	struct error err;

	if (size > 0 && data[0] == 0x30 &&
	    cms_unwrap(reading->memory, data, size, &data, &size, &err) < 0)
		return arena_strdup(reading->memory, err.text);
	root = xml_parse_whole_with_doctype(reading->memory, data, size, &mobileconfig_doctype,
					    &err);
	return root ? read_profile(reading, root) : arena_strdup(reading->memory, err.text);
}
