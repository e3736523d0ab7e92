/*
 * Thunderbird on the desktop, through its JXON: names with their prefixes, text untrimmed, text
 * that looks like a number or a truth value as such, an element with attributes and text as an
 * object.
 *
 * Autoconfig comes first, Outlook's document only where there is none. Of that the port decides how
 * a service encrypts, unless SSL off or Encryption None says that it does not. The address goes
 * into the request unescaped, which no good sample shows.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/document.h"
#include "mail/login.h"
#include "util/arena.h"
#include "util/bytes.h"

#define OBJECT "[object Object]"

static bool accepts(int status, const char *media_type)
{
	return status >= 200 && status < 300 &&
	       (text_starts_with_ignoring_case(media_type, "text/xml") ||
		text_starts_with_ignoring_case(media_type, "application/xml") ||
		text_starts_with_ignoring_case(media_type, "text/rdf"));
}

/* The element where a string is wanted. */
static const char *string_of(struct arena *memory, const struct xml_element *element)
{
	char number[64];

	if (!element)
		return "undefined";
	if (element->first_child || element->attributes)
		return OBJECT;
	if (!*element->text)
		return "true";
	switch (login_reading(element->text)) {
	case LOGIN_READ_AS_NUMBER:
		(void)snprintf(number, sizeof(number), "%.17g", strtod(element->text, NULL));
		return arena_strdup(memory, number);
	case LOGIN_READ_AS_TRUTH:
		return text_lower(memory, element->text);
	default:
		return element->text;
	}
}

/* ([A-Za-z0-9.-]|%[A-Z]+%)+ */
static bool is_host(const char *text)
{
	if (!*text)
		return false;
	while (*text) {
		size_t length = 1;

		if (*text == '%') {
			length = 1 + strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
			if (length == 1 || text[length] != '%')
				return false;
			length++;
		} else if (!char_is_alphanumeric(*text) && *text != '.' && *text != '-') {
			return false;
		}
		text += length;
	}
	return true;
}

/* NULL where it is none. */
static const char *host_of(struct arena *memory, const struct xml_element *element)
{
	const char *text = string_of(memory, element);

	while (char_is_blank(*text))
		text++;
	text = arena_strndup(memory, text, strcspn(text, " \t\r\n"));
	return element && is_host(text) ? text : NULL;
}

static bool port_of(struct arena *memory, const struct xml_element *element, uint16_t *ret_port)
{
	unsigned long number;

	if (!number_parse(string_of(memory, element), 1, UINT16_MAX, &number))
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

/* The first child of the name whose text is one of the words. */
static const char *first_known(struct arena *memory, const struct xml_element *server,
			       const char *name, const char *const *words)
{
	const struct xml_element *each = child_of(server, name);

	for (; each; each = next_of(each))
		for (const char *const *word = words; *word; word++)
			if (text_equals(string_of(memory, each), *word))
				return *word;
	return NULL;
}

/* Without OAuth2: of the hosts that it has details for, none runs a server of ours. */
static const char *const authentications[] = { "password-cleartext",
					       "plain",
					       "password-encrypted",
					       "secure",
					       "GSSAPI",
					       "NTLM",
					       "TLS-client-cert",
					       "client-IP-address",
					       "none",
					       NULL };

static bool needs_no_name(enum service_kind kind, const char *authentication)
{
	return kind == SERVICE_SUBMISSION && (text_equals(authentication, "client-IP-address") ||
					      text_equals(authentication, "none"));
}

/* A server with a value that is bad is dropped alone. */
static bool read_one(struct arena *memory, const struct xml_element *server,
		     const struct address *address, struct setting *setting)
{
	static const char *const types[] = { "SSL", "STARTTLS", "plain", NULL };
	const char *host = host_of(memory, child_of(server, "hostname"));
	const char *type = first_known(memory, server, "socketType", types);
	const char *authentication = first_known(memory, server, "authentication", authentications);
	const struct xml_element *username = child_of(server, "username");

	setting->kind = kind_of(attribute_of(server, "type"));
	if (!host || !type || !authentication ||
	    !port_of(memory, child_of(server, "port"), &setting->port))
		return false;
	setting->host = fill_in(memory, host, address, NULL);
	setting->security = text_equals(type, "SSL")	    ? SETTING_TLS
			    : text_equals(type, "STARTTLS") ? SETTING_STARTTLS
							    : SETTING_PLAIN;
	setting->username = !username && needs_no_name(setting->kind, authentication)
				    ? ""
				    : fill_in(memory, string_of(memory, username), address, NULL);
	return true;
}

static void read_servers(struct arena *memory, const struct xml_element *provider, const char *name,
			 bool is_incoming, const struct address *address,
			 struct settings_found *settings)
{
	for (const struct xml_element *each = child_of(provider, name); each;
	     each = next_of(each)) {
		enum service_kind kind = kind_of(attribute_of(each, "type"));
		struct setting setting;

		if (kind == SERVICE_KINDS || (kind != SERVICE_SUBMISSION) != is_incoming)
			continue;
		if (read_one(memory, each, address, &setting))
			take_first(settings, &setting);
	}
}

static bool has_domain(struct arena *memory, const struct xml_element *provider)
{
	const struct xml_element *each = child_of(provider, "domain");

	for (; each; each = next_of(each))
		if (host_of(memory, each))
			return true;
	return false;
}

static const char *check_incoming(const struct settings_found *settings)
{
	return has_kind(settings, SERVICE_IMAP) || has_kind(settings, SERVICE_POP3)
		       ? NULL
		       : "it has no incoming server that it can use";
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	const struct xml_element *provider = NULL;
	const char *why = find_provider(memory, data, size, &provider), *id;

	if (why)
		return why;
	id = attribute_of(provider, "id");
	if (provider->prefix)
		return "its elements have a prefix";
	if (!id || !is_host(id))
		return "the provider's id is no host name";
	if (!has_domain(memory, provider))
		return "it has no domain";
	read_servers(memory, provider, "incomingServer", true, address, ret_settings);
	read_servers(memory, provider, "outgoingServer", false, address, ret_settings);
	why = check_incoming(ret_settings);
	if (why)
		return why;
	return has_kind(ret_settings, SERVICE_SUBMISSION)
		       ? NULL
		       : "it has no outgoing server that it can use";
}

static bool says(struct arena *memory, const struct xml_element *protocol, const char *name,
		 const char *word)
{
	return text_equals_ignoring_case(string_of(memory, child_of(protocol, name)), word);
}

static bool read_protocol(struct arena *memory, const struct xml_element *protocol,
			  const struct address *address, struct setting *setting)
{
	const char *host = host_of(memory, child_of(protocol, "Server"));
	const struct xml_element *login = child_of(protocol, "LoginName");
	uint16_t port;

	setting->kind = kind_of(string_of(memory, child_of(protocol, "Type")));
	/* <SSL>true</SSL> is no string, and throws. */
	if (setting->kind == SERVICE_KINDS || !host || says(memory, protocol, "SSL", "true") ||
	    !port_of(memory, child_of(protocol, "Port"), &port))
		return false;
	setting->host = host;
	setting->port = port;
	if (says(memory, protocol, "SSL", "off") || says(memory, protocol, "Encryption", "none"))
		setting->security = SETTING_PLAIN;
	else if (port == 143 || port == 110 || port == 25 || port == 587)
		setting->security = SETTING_STARTTLS;
	else
		setting->security = SETTING_TLS;
	setting->username = login ? string_of(memory, login) : address->text;
	return true;
}

static const char *read_outlook(struct arena *memory, const char *data, size_t size,
				const struct address *address, struct settings_found *ret_settings)
{
	const struct xml_element *account = NULL, *protocol;
	const char *why = find_account(memory, data, size, &account);

	if (why)
		return why;
	if (account->prefix)
		return "its elements have a prefix";
	for (protocol = child_of(account, "Protocol"); protocol; protocol = next_of(protocol)) {
		struct setting setting;

		if (read_protocol(memory, protocol, address, &setting))
			take_first(ret_settings, &setting);
	}
	return check_incoming(ret_settings);
}

const struct client client_thunderbird = {
	.name = "Thunderbird",
	.limit = 5000,
	.accepts = accepts,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, QUERY_ENCODED,
			  .read = read_autoconfig },
			{ "GET", true, "", PATH_WELL_KNOWN, QUERY_ENCODED,
			  .read = read_autoconfig },
			{ "GET", false, "autoconfig.", PATH_AUTOCONFIG, QUERY_ENCODED,
			  .read = read_autoconfig },
			{ "GET", false, "", PATH_WELL_KNOWN, QUERY_ENCODED,
			  .read = read_autoconfig },
			{ "POST", true, "autodiscover.", PATH_AUTODISCOVER, .read = read_outlook },
			{ "POST", true, "", PATH_AUTODISCOVER, .read = read_outlook },
			{ "POST", false, "autodiscover.", PATH_AUTODISCOVER, .only_redirects = true,
			  .read = read_outlook },
			{ "POST", true, NULL, PATH_AUTODISCOVER, .asks_srv = true,
			  .read = read_outlook },
			{ 0 },
		},
};
