/*
 * Thunderbird for Android, and K-9 Mail: sends no address, and reads strictly. Anything wrong in
 * any IMAP or SMTP server, a socketType other than SSL and STARTTLS too, refuses the whole
 * document. POP3 is passed over; text is not trimmed; any media type will do.
 */

#include <string.h>

#include "doctor/client-document.h"
#include "util/arena.h"
#include "util/bytes.h"

static bool accepts(int status, const char *media_type)
{
	return status >= 200 && status < 300;
}

static bool is_host(const char *text)
{
	return document_is_host(text) && char_is_alphanumeric(text[0]) &&
	       char_is_alphanumeric(text[strlen(text) - 1]);
}

/* The text of a leaf, NULL where it is missing, empty or has elements in it. */
static const char *leaf(const struct xml_element *element, const char *name)
{
	const struct xml_element *child = document_child(element, name);

	return child && *child->text && !child->first_child ? child->text : NULL;
}

static bool is_port(const char *text, uint16_t *ret_port)
{
	unsigned long number;

	if (!number_parse(text, 0, UINT16_MAX, &number))
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

static bool has_known_authentication(const struct xml_element *server)
{
	const struct xml_element *each = document_child(server, "authentication");

	for (; each; each = document_next(each))
		if (text_equals(each->text, "OAuth2") ||
		    text_equals(each->text, "password-cleartext") ||
		    text_equals(each->text, "password-encrypted"))
			return true;
	return false;
}

static const char *read_strictly(struct arena *memory, const struct xml_element *server,
				 const struct address *address, struct setting *setting)
{
	const char *host = leaf(server, "hostname"), *port = leaf(server, "port");
	const char *type = leaf(server, "socketType"), *username = leaf(server, "username");

	if (!host || !port || !type || !username)
		return "a server lacks its hostname, port, socketType or username";
	setting->host = document_fill_in(memory, host, address, NULL);
	if (!is_host(setting->host))
		return "a hostname is none";
	if (!is_port(port, &setting->port))
		return "a port is none";
	if (!text_equals(type, "SSL") && !text_equals(type, "STARTTLS"))
		return arena_printf(memory, "a server has the socketType %s", type);
	setting->security = text_equals(type, "SSL") ? SETTING_TLS : SETTING_STARTTLS;
	if (!has_known_authentication(server))
		return "a server has no authentication that it knows";
	setting->username = document_fill_in(memory, username, address, NULL);
	return NULL;
}

/* All are read, so that one that is wrong is met, and the first is taken. */
static const char *read_servers(struct arena *memory, const struct xml_element *provider,
				const char *name, enum service_kind kind,
				const struct address *address, struct settings_found *settings)
{
	for (const struct xml_element *each = document_child(provider, name); each;
	     each = document_next(each)) {
		struct setting setting = { .kind = kind };
		const char *why;

		if (document_kind(xml_attribute(each, "type")) != kind)
			continue;
		why = read_strictly(memory, each, address, &setting);
		if (why)
			return why;
		settings_take_first(settings, &setting);
	}
	if (settings_have(settings, kind))
		return NULL;
	return kind == SERVICE_IMAP ? "it has no IMAP server" : "it has no SMTP server";
}

static bool has_domain(struct arena *memory, const struct xml_element *provider,
		       const struct address *address)
{
	const struct xml_element *each = document_child(provider, "domain");

	for (; each; each = document_next(each))
		if (is_host(document_fill_in(memory, each->text, address, NULL)))
			return true;
	return false;
}

static const char *read_autoconfig(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	const struct xml_element *provider = NULL;
	const char *why = document_provider(memory, data, size, &provider);

	/* A second provider takes the place of the first. */
	for (; !why && provider; provider = document_next(provider)) {
		const char *id = xml_attribute(provider, "id");

		ret_settings->count = 0;
		if (!id || !is_host(id))
			return "the provider's id is no host name";
		if (!has_domain(memory, provider, address))
			return "it has no domain";
		why = read_servers(memory, provider, "incomingServer", SERVICE_IMAP, address,
				   ret_settings);
		if (!why)
			why = read_servers(memory, provider, "outgoingServer", SERVICE_SUBMISSION,
					   address, ret_settings);
	}
	return why;
}

const struct client client_thunderbird_android = {
	.word = "thunderbird-android",
	.name = "Thunderbird for Android",
	.accepts = accepts,
	.steps =
		(const struct step[]){
			{ "GET", true, "autoconfig.", PATH_AUTOCONFIG, .read = read_autoconfig },
			{ "GET", true, "", PATH_WELL_KNOWN, .read = read_autoconfig },
			{ "GET", false, "autoconfig.", PATH_AUTOCONFIG, .read = read_autoconfig },
			{ "GET", false, "", PATH_WELL_KNOWN, .read = read_autoconfig },
			{ 0 },
		},
};
