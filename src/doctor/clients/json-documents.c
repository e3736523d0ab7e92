/* Documents in JSON: Autodiscover v2, and PACC (draft-ietf-mailmaint-pacc). */

#include <jansson.h>

#include "doctor/client-document.h"

/* {"Protocol":"ActiveSync","Url":"https://..."} */
static const char *read_v2(struct client_reading *reading, const char *wanted, const char **ret_url)
{
	_cleanup_(json_decrefp)
		json_t *document = json_loadb(reading->data, reading->size, 0, NULL);
	const char *protocol = json_string_value(json_object_get(document, "Protocol")),
		   *url = json_string_value(json_object_get(document, "Url"));

	if (!document)
		return "not JSON";
	if (!protocol || !text_equals_ignoring_case(protocol, wanted))
		return arena_printf(reading->memory, "the Protocol is not %s", wanted);
	if (!url || !text_is_https_url(reading->memory, url))
		return "the Url is not an https URL";
	*ret_url = arena_strdup(reading->memory, url);
	return NULL;
}

const char *read_v2_activesync(struct client_reading *reading)
{
	struct setting setting = { .kind = SERVICE_ACTIVESYNC, .username = reading->address->text };
	const char *why = read_v2(reading, "ActiveSync", &setting.url);

	if (!why)
		reading_add(reading, &setting);
	return why;
}

const char *read_v2_outlook_url(struct client_reading *reading)
{
	return read_v2(reading, "AutodiscoverV1", &reading->next_url);
}

/* Mail has implicit TLS on these ports, and the login is the address. */
static const struct {
	const char *name;
	enum service_kind kind;
	uint16_t port; /* 0: it has a URL instead of a host */
} pacc_protocols[] = {
	{ "imap", SERVICE_IMAP, 993 },	       { "pop3", SERVICE_POP3, 995 },
	{ "submit", SERVICE_SUBMISSION, 465 }, { "managesieve", SERVICE_MANAGESIEVE, 4190 },
	{ "jmap", SERVICE_JMAP, 0 },	       { "caldav", SERVICE_CALDAV, 0 },
	{ "carddav", SERVICE_CARDDAV, 0 },     { "webdav", SERVICE_WEBDAV, 0 },
};

const char *read_pacc(struct client_reading *reading)
{
	_cleanup_(json_decrefp)
		json_t *document = json_loadb(reading->data, reading->size, 0, NULL);
	const json_t *entries = json_object_get(document, "protocols");

	if (!document)
		return "not JSON";
	if (!json_is_object(json_object_get(document, "info")) || !json_is_object(entries))
		return "no info or no protocols";
	for (size_t i = 0; i < sizeof(pacc_protocols) / sizeof(*pacc_protocols); i++) {
		uint16_t port = pacc_protocols[i].port;
		const json_t *entry = json_object_get(entries, pacc_protocols[i].name);
		const char *text = json_string_value(json_object_get(entry, port ? "host" : "url"));
		struct setting setting = { pacc_protocols[i].kind, .port = port,
					   .username = reading->address->text };

		if (!entry)
			continue;
		if (!text ||
		    !(port ? text_is_host(text) : text_is_https_url(reading->memory, text)))
			return arena_printf(reading->memory, "%s has an invalid host or url",
					    pacc_protocols[i].name);
		*(port ? &setting.host : &setting.url) = arena_strdup(reading->memory, text);
		reading_add(reading, &setting);
	}
	return reading->settings.count ? NULL : "no known service";
}
