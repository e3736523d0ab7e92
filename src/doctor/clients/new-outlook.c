/*
 * New Outlook, and Outlook on phones: Microsoft's cloud asks for them, in JSON. Once it is given
 * the URL of ActiveSync it looks no further; otherwise it is told where Outlook's document is, and
 * reads that.
 */

#include <jansson.h>

#include "doctor/client-document.h"
#include "util/arena.h"
#include "util/bytes.h"

/* {"Protocol":"ActiveSync","Url":"https://..."} */
static const char *read_url(struct arena *memory, const char *data, size_t size,
			    const char *protocol, const char **ret_url)
{
	_cleanup_(json_decrefp) json_t *document = json_loadb(data, size, 0, NULL);
	const char *named = json_string_value(json_object_get(document, "Protocol")),
		   *url = json_string_value(json_object_get(document, "Url"));

	if (!document)
		return "it is no JSON";
	if (!named || !text_equals_ignoring_case(named, protocol))
		return arena_printf(memory, "its Protocol is not %s", protocol);
	if (!url || !document_is_url(memory, url))
		return "its Url is none that begins with https://";
	*ret_url = arena_strdup(memory, url);
	return NULL;
}

static const char *read_activesync(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	struct setting setting = { .kind = SERVICE_ACTIVESYNC, .username = address->text };
	const char *why = read_url(memory, data, size, "ActiveSync", &setting.url);

	if (!why)
		settings_take_first(ret_settings, &setting);
	return why;
}

static const char *read_lead(struct arena *memory, const char *data, size_t size,
			     const char **ret_url)
{
	return read_url(memory, data, size, "AutodiscoverV1", ret_url);
}

const struct client client_new_outlook = {
	.word = "new-outlook",
	.name = "New Outlook",
	.is_optional = true,
	.only_to_tls = true,
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "GET", true, "autodiscover.", PATH_AUTODISCOVER_V2, QUERY_ACTIVESYNC,
			  .read = read_activesync },
			{ "GET", true, "autodiscover.", PATH_AUTODISCOVER_V2, QUERY_VERSION_1,
			  .lead = read_lead, .read = read_outlook_strictly },
			{ 0 },
		},
};
