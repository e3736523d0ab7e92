/* Nextcloud Mail: the first IMAP and the first SMTP server; a socketType TLS is STARTTLS. The
 * address goes into the query as it is. */

#include "doctor/client-document.h"

static void take(const struct setting *setting, void *context)
{
	if (setting->kind != SERVICE_POP3)
		settings_take_first(context, setting);
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	const struct careless care = { .tls_is_starttls = true };
	const struct xml_element *provider = NULL;
	const char *why = document_provider(memory, data, size, &provider);

	if (why)
		return why;
	each_server(memory, provider, address, &care, take, ret_settings);
	return settings_have(ret_settings, SERVICE_IMAP) ? NULL : "it has no IMAP server";
}

const struct client client_nextcloud = {
	.word = "nextcloud",
	.name = "Nextcloud Mail",
	.limit = 7000,
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, QUERY_RAW,
			  .read = read_autoconfig },
			{ "GET", true, "", PATH_WELL_KNOWN, QUERY_RAW, .read = read_autoconfig },
			{ "GET", false, "autoconfig.", PATH_AUTOCONFIG, QUERY_RAW,
			  .read = read_autoconfig },
			{ "GET", false, "", PATH_WELL_KNOWN, QUERY_RAW, .read = read_autoconfig },
			{ 0 },
		},
};
