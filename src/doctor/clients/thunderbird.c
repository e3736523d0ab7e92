/*
 * Thunderbird on the desktop, through its JXON: names with their prefixes, text untrimmed, text
 * that looks like a number or a truth value as such, an element with attributes and text as an
 * object.
 *
 * Autoconfig comes first, Outlook's document only where there is none. Of that the port decides how
 * a service encrypts, unless SSL off or Encryption None says that it does not. The address goes
 * into the request unescaped, which no good sample shows.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/client-document.h"
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

/* Whether JavaScript's isFinite() holds, and what parseFloat() makes of it, to which 0x10 is 0. */
static bool is_number(struct arena *memory, const char *text, double *ret_number)
{
	const char *start = document_trim(memory, text), *digits = start + strspn(start, "+-");
	char *end = NULL;

	if (digits - start > 1 || (!char_is_digit(digits[0]) && digits[0] != '.'))
		return false;
	if (digits[0] == '0' && strchr("xXoObB", digits[1]) && digits[1]) {
		*ret_number = 0;
		return digits == start && digits[2] &&
		       !digits[2 + strspn(digits + 2, "0123456789abcdefABCDEF")];
	}
	*ret_number = strtod(start, &end);
	return end != start && !*end && isfinite(*ret_number);
}

/* The shortest digits that make the number, and where the point stands among them. */
static void shortest_digits(double number, char *digits, int *point)
{
	char text[32] = "";
	size_t count = 0;

	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	for (const char *c = text; *c != 'e'; c++)
		if (char_is_digit(*c))
			digits[count++] = *c;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	digits[count] = '\0';
	*point = atoi(strchr(text, 'e') + 1) + 1;
}

/* As JavaScript writes it: 7, 0.5, 100000, 1e+21. */
static const char *number_text(struct arena *memory, double number)
{
	const char *sign = number < 0 ? "-" : "";
	char digits[32];
	int point, count;

	if (number == 0)
		return "0";
	shortest_digits(number < 0 ? -number : number, digits, &point);
	count = (int)strlen(digits);
	if (point > 21 || point <= -6)
		return arena_printf(memory, "%s%.1s%s%se%+d", sign, digits, digits[1] ? "." : "",
				    digits + 1, point - 1);
	if (point <= 0)
		return arena_printf(memory, "%s0.%.*s%s", sign, -point, "000000", digits);
	if (point >= count)
		return arena_printf(memory, "%s%s%.*s", sign, digits, point - count,
				    "000000000000000000000");
	return arena_printf(memory, "%s%.*s.%s", sign, point, digits, digits + point);
}

static bool is_truth(const char *text)
{
	return text_equals_ignoring_case(text, "true") || text_equals_ignoring_case(text, "false");
}

/* The element where a string is wanted. */
static const char *string_of(struct arena *memory, const struct xml_element *element)
{
	double number;

	if (!element)
		return "undefined";
	if (element->first_child || element->attributes)
		return OBJECT;
	if (!*element->text)
		return "true";
	if (is_truth(element->text))
		return text_lower(memory, element->text);
	if (is_number(memory, element->text, &number))
		return number_text(memory, number);
	return element->text;
}

/* Whether it is a string by itself: of anything else there is no lower case, and it throws. */
static bool is_string(struct arena *memory, const struct xml_element *element)
{
	double number;

	return !element->first_child && !element->attributes && *element->text &&
	       !is_truth(element->text) && !is_number(memory, element->text, &number);
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
	const char *text = document_trim(memory, string_of(memory, element));

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
	const struct xml_element *each = document_child(server, name);

	for (; each; each = document_next(each))
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
	const char *host = host_of(memory, document_child(server, "hostname"));
	const char *type = first_known(memory, server, "socketType", types);
	const char *authentication = first_known(memory, server, "authentication", authentications);
	const struct xml_element *username = document_child(server, "username");

	setting->kind = document_kind(xml_attribute(server, "type"));
	if (!host || !type || !authentication ||
	    !port_of(memory, document_child(server, "port"), &setting->port))
		return false;
	setting->host = document_fill_in(memory, host, address, NULL);
	setting->security = text_equals(type, "SSL")	    ? SETTING_TLS
			    : text_equals(type, "STARTTLS") ? SETTING_STARTTLS
							    : SETTING_PLAIN;
	setting->username = !username && needs_no_name(setting->kind, authentication)
				    ? ""
				    : document_fill_in(memory, string_of(memory, username), address,
						       NULL);
	return true;
}

static void read_servers(struct arena *memory, const struct xml_element *provider, const char *name,
			 bool is_incoming, const struct address *address,
			 struct settings_found *settings)
{
	for (const struct xml_element *each = document_child(provider, name); each;
	     each = document_next(each)) {
		enum service_kind kind = document_kind(xml_attribute(each, "type"));
		struct setting setting = { 0 };

		if (kind == SERVICE_KINDS || (kind != SERVICE_SUBMISSION) != is_incoming)
			continue;
		if (read_one(memory, each, address, &setting))
			settings_take_first(settings, &setting);
	}
}

static bool has_domain(struct arena *memory, const struct xml_element *provider)
{
	const struct xml_element *each = document_child(provider, "domain");

	for (; each; each = document_next(each))
		if (host_of(memory, each))
			return true;
	return false;
}

static const char *check_incoming(const struct settings_found *settings)
{
	return settings_have(settings, SERVICE_IMAP) || settings_have(settings, SERVICE_POP3)
		       ? NULL
		       : "it has no incoming server that it can use";
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	const struct xml_element *provider = NULL;
	const char *why = document_provider(memory, data, size, &provider), *id;

	if (why)
		return why;
	id = xml_attribute(provider, "id");
	if (!id || !is_host(id))
		return "the provider's id is no host name";
	if (!has_domain(memory, provider))
		return "it has no domain";
	read_servers(memory, provider, "incomingServer", true, address, ret_settings);
	read_servers(memory, provider, "outgoingServer", false, address, ret_settings);
	why = check_incoming(ret_settings);
	if (why)
		return why;
	return settings_have(ret_settings, SERVICE_SUBMISSION)
		       ? NULL
		       : "it has no outgoing server that it can use";
}

/* Whether SSL or Encryption is absent, or a string. */
static bool is_readable(struct arena *memory, const struct xml_element *protocol, const char *name)
{
	const struct xml_element *element = document_child(protocol, name);

	return !element || is_string(memory, element);
}

static bool says(const struct xml_element *protocol, const char *name, const char *word)
{
	const char *text = document_child_text(protocol, name);

	return text && text_equals_ignoring_case(text, word);
}

/* Written in capitals, and only so. */
static enum service_kind kind_in_capitals(struct arena *memory, const char *type)
{
	static const char *const types[] = { "IMAP", "POP3", "SMTP" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (text_equals(type, types[i]))
			return document_kind_in_any_case(memory, type);
	return SERVICE_KINDS;
}

static bool read_protocol(struct arena *memory, const struct xml_element *protocol,
			  const struct address *address, struct setting *setting)
{
	const char *host = host_of(memory, document_child(protocol, "Server"));
	const struct xml_element *login = document_child(protocol, "LoginName");
	uint16_t port;

	setting->kind = kind_in_capitals(memory,
					 string_of(memory, document_child(protocol, "Type")));
	if (setting->kind == SERVICE_KINDS || !host || !is_readable(memory, protocol, "SSL") ||
	    !is_readable(memory, protocol, "Encryption") ||
	    !port_of(memory, document_child(protocol, "Port"), &port))
		return false;
	setting->host = host;
	setting->port = port;
	if (says(protocol, "SSL", "off") || says(protocol, "Encryption", "none"))
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
	const char *why = document_account(memory, data, size, &account);

	if (why)
		return why;
	for (protocol = document_child(account, "Protocol"); protocol;
	     protocol = document_next(protocol)) {
		struct setting setting = { 0 };

		if (read_protocol(memory, protocol, address, &setting))
			settings_take_first(ret_settings, &setting);
	}
	return check_incoming(ret_settings);
}

const struct client client_thunderbird = {
	.word = "thunderbird",
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
