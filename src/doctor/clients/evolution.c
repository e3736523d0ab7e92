/* Evolution: hides the local part as EVOLUTIONUSER and puts it back into what it reads; the last
 * server of each type wins; %EMAILDOMAIN% in a host name comes to nothing. */

#include <string.h>

#include "doctor/client-document.h"
#include "util/arena.h"
#include "util/bytes.h"

#define HIDDEN "EVOLUTIONUSER"

struct taking {
	struct arena *memory;
	struct settings_found *settings;
	const struct address *address;
};

static const char *unhide(struct arena *memory, const char *text, const char *local)
{
	struct bytes shown = BYTES_IN(memory);
	const char *found;

	while ((found = strstr(text, HIDDEN))) {
		bytes_add(&shown, text, (size_t)(found - text));
		bytes_add_text(&shown, local);
		text = found + strlen(HIDDEN);
	}
	bytes_add_text(&shown, text);
	return bytes_text(&shown);
}

static void take(const struct setting *setting, void *context)
{
	const struct taking *taking = context;
	struct setting changed = *setting;

	changed.username = unhide(taking->memory, setting->username, taking->address->local);
	changed.host = document_fill_in(taking->memory, setting->host, taking->address, "");
	settings_take_last(taking->settings, &changed);
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	struct taking taking = { memory, ret_settings, address };
	const struct careless care = { 0 };
	const struct xml_element *provider = NULL;
	const char *why = document_provider(memory, data, size, &provider);

	if (why)
		return why;
	each_server(memory, provider, address, &care, take, &taking);
	return settings_have(ret_settings, SERVICE_IMAP) ||
			       settings_have(ret_settings, SERVICE_POP3)
		       ? NULL
		       : "it has no incoming server";
}

const struct client client_evolution = {
	.word = "evolution",
	.name = "Evolution",
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, QUERY_EVOLUTION,
			  .read = read_autoconfig },
			{ "GET", false, "autoconfig.", PATH_AUTOCONFIG, QUERY_EVOLUTION,
			  .read = read_autoconfig },
			{ "GET", true, "", PATH_WELL_KNOWN, QUERY_EVOLUTION,
			  .read = read_autoconfig },
			{ "GET", false, "", PATH_WELL_KNOWN, QUERY_EVOLUTION,
			  .read = read_autoconfig },
			{ 0 },
		},
};
