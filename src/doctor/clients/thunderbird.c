/*
 * Thunderbird on the desktop reads documents through its JXON, a conversion to JavaScript objects:
 * names have their prefixes, text is not trimmed, text that looks like a number or a boolean
 * becomes one, and an element with attributes and text becomes an object.
 */

#include <math.h>

#include "doctor/client-document.h"
#include "doctor/host.h"

/* Whether JavaScript's isFinite() holds, and what parseFloat() makes of it, to which 0x10 is 0. */
static bool is_number(struct arena *memory, const char *text, double *ret_number)
{
	const char *start = text_trim(memory, text), *digits = start + strspn(start, "+-");
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

/* As JavaScript writes it: 7, 0.5, 100000, 1e+21. From the fewest digits that make the number, and
 * where the point stands among them. */
static const char *number_text(struct arena *memory, double number)
{
	const char *sign = number < 0 ? "-" : "", *digits;
	int point, count = 0;
	char text[32];

	if (number == 0)
		return "0";
	do
		snprintf(text, sizeof(text), "%.*e", count, fabs(number));
	while (++count < 17 && strtod(text, NULL) != fabs(number));
	digits = arena_printf(memory, "%c%.*s", text[0], count - 1, text + 2);
	point = atoi(strchr(text, 'e') + 1) + 1;
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

/* The element where a string is expected. */
static const char *string_of(struct arena *memory, const struct xml_element *element)
{
	double number;

	if (!element)
		return "undefined";
	if (element->first_child || element->attributes)
		return "[object Object]";
	if (!*element->text)
		return "true";
	if (text_equals_ignoring_case(element->text, "true") ||
	    text_equals_ignoring_case(element->text, "false"))
		return text_lower(memory, element->text);
	if (is_number(memory, element->text, &number))
		return number_text(memory, number);
	return element->text;
}

/* Whether it is absent or stays a string; of anything else toLowerCase() throws. */
static bool is_string(struct arena *memory, const struct xml_element *element)
{
	return !element || string_of(memory, element) == element->text;
}

/* ([A-Za-z0-9.-]|%[A-Z]+%)+ */
static bool is_host_pattern(const char *text)
{
	const char *at = text;

	while (*at) {
		size_t length = 1;

		if (*at == '%') {
			length = 1 + strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
			if (length == 1 || at[length] != '%')
				return false;
			length++;
		} else if (!char_is_alphanumeric(*at) && *at != '.' && *at != '-') {
			return false;
		}
		at += length;
	}
	return *text;
}

/* NULL where it is not a host name. */
static const char *host_of(struct arena *memory, const struct xml_element *element)
{
	const char *text = text_trim(memory, string_of(memory, element));

	return element && is_host_pattern(text) ? text : NULL;
}

/* The first of the words that a child of the name has. */
static const char *find_known_word(struct arena *memory, const struct xml_element *server,
				   const char *name, const char *const *words)
{
	const struct xml_element *child = element_child(server, name);

	for (; child; child = element_next(child))
		for (const char *const *word = words; *word; word++)
			if (text_equals(string_of(memory, child), *word))
				return *word;
	return NULL;
}

const char *read_thunderbird_server(struct client_reading *reading,
				    const struct xml_element *element, struct setting *setting)
{
	static const char *const types[] = { "SSL", "STARTTLS", "plain", NULL };
	/* OAuth2 is missing: Thunderbird has no details of hosts that run this daemon. */
	static const char *const authentications[] = {
		"password-cleartext",
		"plain",
		"password-encrypted",
		"secure",
		"GSSAPI",
		"NTLM",
		"TLS-client-cert",
		"client-IP-address",
		"none",
		NULL,
	};
	struct arena *memory = reading->memory;
	const char *host = host_of(memory, element_child(element, "hostname"));
	const char *type = find_known_word(memory, element, "socketType", types);
	const char *authentication = find_known_word(memory, element, "authentication",
						     authentications);
	const struct xml_element *username = element_child(element, "username");

	if (!host || !type || !authentication ||
	    !port_parse(string_of(memory, element_child(element, "port")), &setting->port))
		return "a server has an invalid value";
	setting->host = expand_placeholders(reading, host);
	setting->security = text_equals(type, "SSL")	    ? SETTING_TLS
			    : text_equals(type, "STARTTLS") ? SETTING_STARTTLS
							    : SETTING_PLAIN;
	if (!username && setting->kind == SERVICE_SUBMISSION &&
	    (text_equals(authentication, "client-IP-address") ||
	     text_equals(authentication, "none")))
		setting->username = "";
	else
		setting->username = expand_placeholders(reading, string_of(memory, username));
	return NULL;
}

const char *check_thunderbird_provider(struct client_reading *reading,
				       const struct xml_element *provider)
{
	const char *id = xml_attribute(provider, "id");
	const struct xml_element *domain = element_child(provider, "domain");

	if (!id || !is_host_pattern(id))
		return "the provider's id is not a host name";
	while (domain && !host_of(reading->memory, domain))
		domain = element_next(domain);
	return domain ? NULL : "no valid <domain>";
}

static bool has_word(const struct xml_element *protocol, const char *name, const char *word)
{
	return text_equals_ignoring_case(element_child_text(protocol, name) ?: "", word);
}

/* The port decides on encryption unless SSL or Encryption turn it off. The Type is in capitals. */
static bool read_outlook_protocol(struct client_reading *reading,
				  const struct xml_element *protocol, struct setting *setting)
{
	struct arena *memory = reading->memory;
	const char *type = string_of(memory, element_child(protocol, "Type"));
	const struct xml_element *login = element_child(protocol, "LoginName");

	if (!text_equals(type, "IMAP") && !text_equals(type, "POP3") && !text_equals(type, "SMTP"))
		return false;
	setting->kind = mail_kind_parse(text_lower(memory, type));
	setting->host = host_of(memory, element_child(protocol, "Server"));
	if (!setting->host || !is_string(memory, element_child(protocol, "SSL")) ||
	    !is_string(memory, element_child(protocol, "Encryption")) ||
	    !port_parse(string_of(memory, element_child(protocol, "Port")), &setting->port))
		return false;
	setting->security = port_security(setting->port);
	if (has_word(protocol, "SSL", "off") || has_word(protocol, "Encryption", "none"))
		setting->security = SETTING_PLAIN;
	setting->username = login ? string_of(memory, login) : reading->address->text;
	return true;
}

const char *read_outlook_as_thunderbird(struct client_reading *reading)
{
	return read_protocols(reading, read_outlook_protocol, true, false);
}
