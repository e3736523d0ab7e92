/*
 * An Apple device reads configuration profiles, signed or not. What Apple documents as required
 * must be there. UseSSL is off for mail where it is absent; if it is on, the port decides between
 * TLS and STARTTLS. Without a login the device asks for one, and proposes the address.
 */

#include "doctor/client-document.h"
#include "doctor/host.h"
#include "protocol/protocol.h"
#include "protocol/xml.h"
#include "tls/cms.h"

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
};

/* What mail and DAV have in common. Returns NULL, or why the profile is rejected. */
static const char *read_profile_server(struct client_reading *reading,
				       const struct xml_element *payload,
				       const struct profile_server *server, bool uses_tls,
				       struct setting *setting)
{
	struct arena *memory = reading->memory;
	const char *prefix = server->prefix;
	const char *login = string_value(payload, arena_printf(memory, "%sUsername", prefix));
	const char *port_key = arena_printf(memory, "%s%s", prefix, server->port_key);
	const struct xml_element *ssl = value_of(payload, arena_printf(memory, "%sUseSSL", prefix)),
				 *port = value_of(payload, port_key);

	uses_tls = ssl ? text_equals(ssl->name, "true") : uses_tls;
	*setting = (struct setting){
		.kind = server->kind,
		.host = string_value(payload, arena_printf(memory, "%sHostName", prefix)),
		.port = uses_tls ? server->port_with_tls : server->port_without,
		.security = uses_tls ? SETTING_TLS : SETTING_PLAIN,
		.username = *login ? login : reading->address->text,
	};
	if (!text_is_host(setting->host))
		return arena_printf(memory, "no valid %sHostName", prefix);
	if (port && (!text_equals(port->name, "integer") ||
		     !port_parse(text_trim(memory, port->text), &setting->port)))
		return arena_printf(memory, "invalid %s", port_key);
	return NULL;
}

static const char *read_mail_server(struct client_reading *reading,
				    const struct xml_element *payload,
				    const struct profile_server *server)
{
	static const char *const known[] = { "EmailAuthNone", "EmailAuthPassword",
					     "EmailAuthCRAMMD5", "EmailAuthNTLM",
					     "EmailAuthHTTPMD5" };
	const char *key = arena_printf(reading->memory, "%sAuthentication", server->prefix);
	const char *authentication = string_value(payload, key);
	struct setting setting;
	const char *why = read_profile_server(reading, payload, server, false, &setting);
	size_t i = 0;

	if (why)
		return why;
	while (i < sizeof(known) / sizeof(*known) && !text_equals(authentication, known[i]))
		i++;
	if (i == sizeof(known) / sizeof(*known))
		return arena_printf(reading->memory, "no known %s", key);
	if (setting.security == SETTING_TLS)
		setting.security = port_security(setting.port);
	reading_add(reading, &setting);
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
	const char *type = string_value(payload, "EmailAccountType");
	bool is_imap = text_equals(type, "EmailTypeIMAP");

	if (!is_imap && !text_equals(type, "EmailTypePOP"))
		return "no known EmailAccountType";
	return read_mail_server(reading, payload, is_imap ? &imap : &pop3)
		       ?: read_mail_server(reading, payload, &smtp);
}

/* The URL is that of the principal, or the root of the host. */
static const char *read_dav(struct client_reading *reading, const struct xml_element *payload,
			    const char *prefix, enum service_kind kind)
{
	const struct profile_server server = { prefix, "Port", kind, 443, 80 };
	struct arena *memory = reading->memory;
	const char *principal = string_value(payload,
					     arena_printf(memory, "%sPrincipalURL", prefix));
	struct setting setting;
	const char *why = read_profile_server(reading, payload, &server, true, &setting);
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
	reading_add(reading, &setting);
	return NULL;
}

/* DER begins with a SEQUENCE, which XML cannot. */
const char *read_mobileconfig(struct client_reading *reading)
{
	const struct xml_element *root, *profile, *content, *payload;
	const char *data = reading->data, *type, *why = NULL;
	size_t size = reading->size;
	struct error err;

	if (size > 0 && data[0] == 0x30 &&
	    cms_unwrap(reading->memory, data, size, &data, &size, &err) < 0)
		return arena_strdup(reading->memory, err.text);
	root = xml_parse_whole(reading->memory, data, size, &mobileconfig_doctype, &err);
	if (!root)
		return arena_strdup(reading->memory, err.text);
	profile = root->first_child;
	if (!text_equals(root->name, "plist") || !profile || !is_payload(profile) ||
	    !text_equals(string_value(profile, "PayloadType"), "Configuration"))
		return "not a configuration profile";
	content = value_of(profile, "PayloadContent");
	if (!content || !text_equals(content->name, "array"))
		return "no PayloadContent";
	for (payload = content->first_child; payload && !why; payload = payload->next) {
		type = string_value(payload, "PayloadType");
		if (!is_payload(payload))
			return "a payload lacks a required key";
		if (text_equals(type, "com.apple.mail.managed"))
			why = read_mail(reading, payload);
		else if (text_equals(type, "com.apple.caldav.account"))
			why = read_dav(reading, payload, "CalDAV", SERVICE_CALDAV);
		else if (text_equals(type, "com.apple.carddav.account"))
			why = read_dav(reading, payload, "CardDAV", SERVICE_CARDDAV);
	}
	if (why)
		return why;
	return reading->settings.count ? NULL : "no accounts";
}
