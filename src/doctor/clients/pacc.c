/*
 * A client of PACC (draft-ietf-mailmaint-pacc): believes the document whose digest is in DNS. Mail
 * has implicit TLS on the usual port, whatever else a service has, and the login is the address.
 */

#include <jansson.h>

#include "doctor/client-document.h"
#include "util/arena.h"
#include "util/bytes.h"

static const struct protocol_name {
	const char *name;
	enum service_kind kind;
	uint16_t port; /* 0: it has a URL */
} protocols[] = {
	{ "imap", SERVICE_IMAP, 993 },	       { "pop3", SERVICE_POP3, 995 },
	{ "submit", SERVICE_SUBMISSION, 465 }, { "managesieve", SERVICE_MANAGESIEVE, 4190 },
	{ "jmap", SERVICE_JMAP, 0 },	       { "caldav", SERVICE_CALDAV, 0 },
	{ "carddav", SERVICE_CARDDAV, 0 },     { "webdav", SERVICE_WEBDAV, 0 },
};

/* Returns NULL, with nothing taken where the document does not have it. */
static const char *take(struct arena *memory, const struct protocol_name *protocol,
			const json_t *entry, const struct address *address,
			struct settings_found *settings)
{
	const char *member = protocol->port ? "host" : "url";
	const char *place = json_string_value(json_object_get(entry, member));
	struct setting setting = {
		.kind = protocol->kind,
		.port = protocol->port,
		.username = address->text,
	};

	if (!entry)
		return NULL;
	if (!place || !(protocol->port ? document_is_host(place) : document_is_url(memory, place)))
		return arena_printf(memory, "its %s has no good %s", protocol->name, member);
	if (protocol->port)
		setting.host = arena_strdup(memory, place);
	else
		setting.url = arena_strdup(memory, place);
	settings_take_first(settings, &setting);
	return NULL;
}

static const char *read_pacc(struct arena *memory, const char *data, size_t size,
			     const struct address *address, struct settings_found *ret_settings)
{
	_cleanup_(json_decrefp) json_t *document = json_loadb(data, size, 0, NULL);
	const json_t *entries = json_object_get(document, "protocols");

	if (!document)
		return "it is no JSON";
	if (!json_is_object(json_object_get(document, "info")) || !json_is_object(entries))
		return "it has no info or no protocols";
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		const struct protocol_name *protocol = &protocols[i];
		const char *why = take(memory, protocol, json_object_get(entries, protocol->name),
				       address, ret_settings);

		if (why)
			return why;
	}
	return ret_settings->count ? NULL : "it has no service that it knows";
}

static bool accepts(int status, const char *media_type)
{
	return status == 200 && text_starts_with_ignoring_case(media_type, "application/json");
}

const struct client client_pacc = {
	.word = "pacc",
	.name = "PACC client",
	.is_optional = true,
	.asks_of_domain = true,
	.only_to_tls = true,
	.accepts = accepts,
	.steps =
		(const struct step[]){
			{ "GET", true, "ua-auto-config.", PATH_PACC, .has_digest = true,
			  .read = read_pacc },
			{ 0 },
		},
};
