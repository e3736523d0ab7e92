/*
 * Thunderbird for Android, and K-9 Mail, read autoconfig strictly: text is not trimmed, and one
 * IMAP or SMTP server that is wrong rejects the document, also for a socketType other than SSL and
 * STARTTLS.
 */

#include "doctor/client-document.h"

static bool is_host(const char *text)
{
	return text_is_host(text) && char_is_alphanumeric(text[0]) &&
	       char_is_alphanumeric(text[strlen(text) - 1]);
}

/* The text of a child without children; NULL where it is missing or empty. */
static const char *leaf_text(const struct xml_element *element, const char *name)
{
	const struct xml_element *child = element_child(element, name);

	return child && *child->text && !child->first_child ? child->text : NULL;
}

static bool has_known_authentication(const struct xml_element *server)
{
	const struct xml_element *child = element_child(server, "authentication");

	for (; child; child = element_next(child))
		if (text_equals(child->text, "OAuth2") ||
		    text_equals(child->text, "password-cleartext") ||
		    text_equals(child->text, "password-encrypted"))
			return true;
	return false;
}

const char *read_android_server(struct client_reading *reading, const struct xml_element *element,
				struct setting *setting)
{
	const char *host = leaf_text(element, "hostname"), *port = leaf_text(element, "port");
	const char *type = leaf_text(element, "socketType"),
		   *username = leaf_text(element, "username");
	unsigned long number;

	if (!host || !port || !type || !username)
		return "a server lacks its hostname, port, socketType or username";
	setting->host = expand_placeholders(reading, host);
	if (!is_host(setting->host) || !number_parse(port, 0, UINT16_MAX, &number))
		return "a server has an invalid hostname or port";
	if (!text_equals(type, "SSL") && !text_equals(type, "STARTTLS"))
		return "a server has another socketType than SSL and STARTTLS";
	if (!has_known_authentication(element))
		return "a server has no known authentication";
	setting->port = (uint16_t)number;
	setting->security = text_equals(type, "SSL") ? SETTING_TLS : SETTING_STARTTLS;
	setting->username = expand_placeholders(reading, username);
	return NULL;
}

const char *check_android_provider(struct client_reading *reading,
				   const struct xml_element *provider)
{
	const char *id = xml_attribute(provider, "id");
	const struct xml_element *domain = element_child(provider, "domain");

	if (!id || !is_host(id))
		return "the provider's id is not a host name";
	while (domain && !is_host(expand_placeholders(reading, domain->text)))
		domain = element_next(domain);
	return domain ? NULL : "no valid <domain>";
}
