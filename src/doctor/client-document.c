#include "doctor/client-document.h"

#include <string.h>

#include "mail/pattern.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

static const struct xml_element *named(const struct xml_element *element, const char *name)
{
	while (element && (element->prefix || !text_equals(element->name, name)))
		element = element->next;
	return element;
}

const struct xml_element *document_child(const struct xml_element *element, const char *name)
{
	return element ? named(element->first_child, name) : NULL;
}

const struct xml_element *document_in_space(const struct xml_element *element, const char *name,
					    const char *space)
{
	while (element && (!text_equals(element->name, name) || !element->space ||
			   !text_equals(element->space, space)))
		element = element->next;
	return element;
}

const struct xml_element *document_next(const struct xml_element *element)
{
	return named(element->next, element->name);
}

const char *document_child_text(const struct xml_element *element, const char *name)
{
	const struct xml_element *child = document_child(element, name);

	return child ? child->text : NULL;
}

const char *document_fill_in(struct arena *memory, const char *text, const struct address *address,
			     const char *domain)
{
	const struct pattern_values values = {
		.address = address->text,
		.local = address->local,
		.domain = domain ? domain : address->domain,
	};

	return pattern_expand(memory, text, &values);
}

enum service_kind document_kind(const char *type)
{
	if (type && text_equals(type, "imap"))
		return SERVICE_IMAP;
	if (type && text_equals(type, "pop3"))
		return SERVICE_POP3;
	if (type && text_equals(type, "smtp"))
		return SERVICE_SUBMISSION;
	return SERVICE_KINDS;
}

enum service_kind document_kind_in_any_case(struct arena *memory, const char *type)
{
	return document_kind(type ? text_lower(memory, type) : NULL);
}

bool document_is_host(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!char_is_alphanumeric(*text) && *text != '.' && *text != '-')
			return false;
	return true;
}

bool document_is_url(struct arena *memory, const char *text)
{
	const struct http_request none = { .host = "" };
	struct http_request request;

	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return text_starts_with_ignoring_case(text, "https://") &&
	       http_url_parse(memory, text, &none, &request) && document_is_host(request.host);
}

static struct setting *find(struct settings_found *settings, enum service_kind kind)
{
	for (size_t i = 0; i < settings->count; i++)
		if (settings->items[i].kind == kind)
			return &settings->items[i];
	return NULL;
}

bool settings_have(const struct settings_found *settings, enum service_kind kind)
{
	return find((struct settings_found *)settings, kind) != NULL;
}

void settings_take_first(struct settings_found *settings, const struct setting *setting)
{
	if (!find(settings, setting->kind))
		settings->items[settings->count++] = *setting;
}

void settings_take_last(struct settings_found *settings, const struct setting *setting)
{
	struct setting *found = find(settings, setting->kind);

	if (found)
		*found = *setting;
	else
		settings->items[settings->count++] = *setting;
}

const char *document_parse(struct arena *memory, const char *data, size_t size,
			   const struct xml_element **ret_root)
{
	struct error err;

	*ret_root = xml_parse_whole(memory, data, size, &err);
	return *ret_root ? NULL : arena_strdup(memory, err.text);
}

const char *document_provider(struct arena *memory, const char *data, size_t size,
			      const struct xml_element **ret_provider)
{
	const struct xml_element *root;
	const char *why = document_parse(memory, data, size, &root);

	if (why)
		return why;
	*ret_provider = document_child(root, "emailProvider");
	return *ret_provider ? NULL : "it is no autoconfig document";
}

const char *document_account(struct arena *memory, const char *data, size_t size,
			     const struct xml_element **ret_account)
{
	const struct xml_element *root, *response;
	const char *why = document_parse(memory, data, size, &root), *action;

	if (why)
		return why;
	response = document_child(root, "Response");
	*ret_account = document_child(response, "Account");
	if (!text_equals(root->name, "Autodiscover") || !response)
		return "it is no Autodiscover document";
	if (!*ret_account && document_child(response, "Error"))
		return "it is Autodiscover's error document";
	if (!*ret_account)
		return "it has no Account";
	action = document_child_text(*ret_account, "Action");
	if (action && strncmp(action, "redirect", strlen("redirect")) == 0)
		return "it sends the person on elsewhere";
	return NULL;
}

static bool security_of(const char *type, const struct careless *care,
			enum setting_security *ret_security)
{
	if (!type)
		return false;
	if (text_equals(type, "SSL"))
		*ret_security = SETTING_TLS;
	else if (text_equals(type, "STARTTLS") ||
		 (care->tls_is_starttls && text_equals(type, "TLS")))
		*ret_security = SETTING_STARTTLS;
	else if (text_equals(type, "plain"))
		*ret_security = SETTING_PLAIN;
	else
		return false;
	return true;
}

const char *document_trim(struct arena *memory, const char *text)
{
	size_t length;

	while (char_is_blank(*text))
		text++;
	length = strlen(text);
	while (length > 0 && char_is_blank(text[length - 1]))
		length--;
	return arena_strndup(memory, text, length);
}

bool document_server(struct arena *memory, const struct xml_element *element,
		     const struct address *address, const struct careless *care,
		     struct setting *ret_setting)
{
	const char *host = document_child_text(element, "hostname"),
		   *port = document_child_text(element, "port");
	const char *username = document_child_text(element, "username");
	struct setting setting = { .kind = document_kind(xml_attribute(element, "type")) };
	unsigned long number;

	if (setting.kind == SERVICE_KINDS || !host || !*host || !port || !username ||
	    !number_parse(document_trim(memory, port), 1, UINT16_MAX, &number) ||
	    !security_of(document_child_text(element, "socketType"), care, &setting.security))
		return false;
	setting.host = host;
	setting.port = (uint16_t)number;
	setting.username = document_fill_in(memory, username, address, NULL);
	*ret_setting = setting;
	return true;
}

void each_server(struct arena *memory, const struct xml_element *provider,
		 const struct address *address, const struct careless *care,
		 void (*take)(const struct setting *setting, void *context), void *context)
{
	static const char *const names[] = { "incomingServer", "outgoingServer" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (const struct xml_element *element = document_child(provider, names[i]);
		     element; element = document_next(element)) {
			struct setting setting;

			if (document_server(memory, element, address, care, &setting))
				take(&setting, context);
		}
}

bool accepts_ok(int status, const char *media_type)
{
	return status == 200;
}
