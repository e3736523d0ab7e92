/*
 * FairEmail: takes a certificate whatever its name. In autoconfig the first servers must be IMAP
 * and SMTP, and the user name is the last one of the whole document; it knows two placeholders, and
 * these alone. In Outlook's document AccountType and Action must come before the first Protocol, of
 * which it reads Type, Server and Port.
 */

#include <string.h>

#include "doctor/client-document.h"
#include "util/bytes.h"

static void find_last_username(const struct xml_element *element, const char **last)
{
	for (; element; element = element->next) {
		if (text_equals(element->name, "username"))
			*last = element->text;
		find_last_username(element->first_child, last);
	}
}

static const char *login_of_text(const char *text, const struct address *address)
{
	if (text_equals(text, "%EMAILADDRESS%"))
		return address->text;
	return text_equals(text, "%EMAILLOCALPART%") ? address->local : text;
}

/* IMAP or SMTP, of the first element of the name. */
static const char *read_first(struct arena *memory, const struct xml_element *provider,
			      const char *name, enum service_kind kind, const char *username,
			      const struct address *address, struct settings_found *settings)
{
	const struct xml_element *first = document_child(provider, name);
	const struct careless care = { 0 };
	struct setting setting;

	if (!first || document_kind(xml_attribute(first, "type")) != kind)
		return kind == SERVICE_IMAP ? "its first incoming server is not IMAP"
					    : "its first outgoing server is not SMTP";
	if (!document_server(memory, first, address, &care, &setting))
		return "its first server cannot be used";
	setting.username = login_of_text(username, address);
	settings_take_first(settings, &setting);
	return NULL;
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	const struct xml_element *provider = NULL;
	const char *username = "", *why = document_provider(memory, data, size, &provider);

	if (why)
		return why;
	find_last_username(provider, &username);
	why = read_first(memory, provider, "incomingServer", SERVICE_IMAP, username, address,
			 ret_settings);
	return why ? why
		   : read_first(memory, provider, "outgoingServer", SERVICE_SUBMISSION, username,
				address, ret_settings);
}

static void read_protocol(struct arena *memory, const struct xml_element *protocol,
			  const struct address *address, struct settings_found *settings)
{
	const char *host = document_child_text(protocol, "Server"),
		   *port = document_child_text(protocol, "Port");
	struct setting setting = { .kind = document_kind_in_any_case(
					   memory, document_child_text(protocol, "Type")) };
	unsigned long number;

	if (!host || !*host || !port || !number_parse(port, 1, UINT16_MAX, &number) ||
	    setting.kind == SERVICE_KINDS || setting.kind == SERVICE_POP3)
		return;
	setting.host = host;
	setting.port = (uint16_t)number;
	setting.security = (setting.kind == SERVICE_IMAP && number == 143) ||
					   (setting.kind == SERVICE_SUBMISSION && number == 587)
				   ? SETTING_STARTTLS
				   : SETTING_TLS;
	setting.username = address->text;
	settings_take_first(settings, &setting);
}

static const char *read_outlook(struct arena *memory, const char *data, size_t size,
				const struct address *address, struct settings_found *ret_settings)
{
	const struct xml_element *account = NULL, *child;
	const char *type = "", *action = "", *why = document_account(memory, data, size, &account);

	if (why)
		return why;
	for (child = account->first_child; child; child = child->next) {
		if (child->prefix)
			continue;
		if (text_equals(child->name, "AccountType"))
			type = child->text;
		else if (text_equals(child->name, "Action"))
			action = child->text;
		if (!text_equals(child->name, "Protocol"))
			continue;
		if (!text_equals(type, "email") || !text_equals(action, "settings"))
			return "AccountType and Action do not come before Protocol";
		read_protocol(memory, child, address, ret_settings);
	}
	return settings_have(ret_settings, SERVICE_IMAP) ? NULL : "it has no IMAP server";
}

const struct client client_fairemail = {
	.word = "fairemail",
	.name = "FairEmail",
	.limit = 10000,
	.takes_any_name = true,
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, QUERY_RAW,
			  .read = read_autoconfig },
			{ "GET", true, "", PATH_WELL_KNOWN, QUERY_RAW, .read = read_autoconfig },
			{ "POST", true, "", PATH_AUTODISCOVER, .read = read_outlook },
			{ "POST", true, "autodiscover.", PATH_AUTODISCOVER, .read = read_outlook },
			{ 0 },
		},
};
