/*
 * Delta Chat: autoconfig over HTTPS alone, then Outlook's document by a GET. Of that it reads Type,
 * Server, Port and SSL: with SSL off it connects in the clear, otherwise it finds out itself. The
 * user name is then the address.
 */

#include "doctor/client-document.h"
#include "util/bytes.h"

static void take(const struct setting *setting, void *context)
{
	if (setting->kind != SERVICE_POP3)
		settings_take_first(context, setting);
}

static const char *check(const struct settings_found *settings)
{
	if (!settings_have(settings, SERVICE_IMAP))
		return "it has no IMAP server";
	return settings_have(settings, SERVICE_SUBMISSION) ? NULL : "it has no SMTP server";
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
	return check(ret_settings);
}

static const char *read_outlook(struct arena *memory, const char *data, size_t size,
				const struct address *address, struct settings_found *ret_settings)
{
	const struct xml_element *account = NULL;
	const char *why = document_account(memory, data, size, &account);

	if (why)
		return why;
	for (const struct xml_element *protocol = document_child(account, "Protocol"); protocol;
	     protocol = document_next(protocol)) {
		const char *host = document_child_text(protocol, "Server");
		const char *port = document_child_text(protocol, "Port"),
			   *ssl = document_child_text(protocol, "SSL");
		struct setting setting = { .kind = document_kind_in_any_case(
						   memory, document_child_text(protocol, "Type")) };
		unsigned long number;

		if (!host || !*host || !port || !number_parse(port, 1, UINT16_MAX, &number) ||
		    setting.kind == SERVICE_KINDS)
			continue;
		setting.host = host;
		setting.port = (uint16_t)number;
		setting.security = ssl && text_equals(ssl, "off") ? SETTING_PLAIN
								  : SETTING_AUTOMATIC;
		setting.username = address->text;
		take(&setting, ret_settings);
	}
	return check(ret_settings);
}

const struct client client_deltachat = {
	.word = "deltachat",
	.name = "Delta Chat",
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, QUERY_ENCODED,
			  .read = read_autoconfig },
			{ "GET", true, "", PATH_WELL_KNOWN, QUERY_ENCODED,
			  .read = read_autoconfig },
			{ "GET", true, "", PATH_AUTODISCOVER, .read = read_outlook },
			{ "GET", true, "autodiscover.", PATH_AUTODISCOVER, .read = read_outlook },
			{ 0 },
		},
};
