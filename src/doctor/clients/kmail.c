/* KMail: sends no address, takes status 200 alone, and proposes the first of each kind. */

#include "doctor/client-document.h"

static void take(const struct setting *setting, void *context)
{
	settings_take_first(context, setting);
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	const struct careless care = { 0 };
	const struct xml_element *provider = NULL;
	const char *why = document_provider(memory, data, size, &provider);

	if (why)
		return why;
	each_server(memory, provider, address, &care, take, ret_settings);
	return settings_have(ret_settings, SERVICE_IMAP) ||
			       settings_have(ret_settings, SERVICE_POP3)
		       ? NULL
		       : "it has no incoming server";
}

const struct client client_kmail = {
	.word = "kmail",
	.name = "KMail",
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, .read = read_autoconfig },
			{ "GET", false, "autoconfig.", PATH_AUTOCONFIG, .read = read_autoconfig },
			{ "GET", true, "", PATH_WELL_KNOWN, .read = read_autoconfig },
			{ 0 },
		},
};
