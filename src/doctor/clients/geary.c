/* Geary: one question without an address; the first IMAP and the first SMTP server, and the address
 * for the user name, whatever the document says. */

#include "doctor/client-document.h"

struct taking {
	struct settings_found *settings;
	const char *username;
};

static void take(const struct setting *setting, void *context)
{
	const struct taking *taking = context;
	struct setting changed = *setting;

	changed.username = taking->username;
	if (setting->kind != SERVICE_POP3)
		settings_take_first(taking->settings, &changed);
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	struct taking taking = { ret_settings, address->text };
	const struct careless care = { 0 };
	const struct xml_element *provider = NULL;
	const char *why = document_provider(memory, data, size, &provider);

	if (why)
		return why;
	each_server(memory, provider, address, &care, take, &taking);
	return settings_have(ret_settings, SERVICE_IMAP) ? NULL : "it has no IMAP server";
}

const struct client client_geary = {
	.word = "geary",
	.name = "Geary",
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, .read = read_autoconfig },
			{ 0 },
		},
};
