#include "doctor/client-document.h"

#include "mail/pattern.h"

static const struct xml_element *find_named(const struct xml_element *element, const char *name)
{
	while (element && (element->prefix || !text_equals(element->name, name)))
		element = element->next;
	return element;
}

const struct xml_element *element_child(const struct xml_element *element, const char *name)
{
	return element ? find_named(element->first_child, name) : NULL;
}

const char *element_child_text(const struct xml_element *element, const char *name)
{
	const struct xml_element *child = element_child(element, name);

	return child ? child->text : NULL;
}

const struct xml_element *element_next(const struct xml_element *element)
{
	return find_named(element->next, element->name);
}

const char *expand_placeholders(const struct client_reading *reading, const char *text)
{
	const struct pattern_values values = {
		.address = reading->address->text,
		.local = reading->address->local,
		.domain = reading->address->domain,
	};

	return pattern_expand(reading->memory, text, &values);
}

enum service_kind mail_kind_parse(const char *type)
{
	if (type && text_equals(type, "imap"))
		return SERVICE_IMAP;
	if (type && text_equals(type, "pop3"))
		return SERVICE_POP3;
	return type && text_equals(type, "smtp") ? SERVICE_SUBMISSION : SERVICE_KINDS;
}

enum service_kind mail_kind_parse_ignoring_case(struct arena *memory, const char *type)
{
	return mail_kind_parse(type ? text_lower(memory, type) : NULL);
}

const char *text_trim(struct arena *memory, const char *text)
{
	size_t length;

	while (char_is_blank(*text))
		text++;
	length = strlen(text);
	while (length > 0 && char_is_blank(text[length - 1]))
		length--;
	return arena_strndup(memory, text, length);
}

bool text_is_host(const char *text)
{
	const char *at = text;

	while (char_is_alphanumeric(*at) || *at == '.' || *at == '-')
		at++;
	return *text && !*at;
}

bool text_is_https_url(struct arena *memory, const char *text)
{
	const struct http_request none = { .host = "" };
	struct http_request request;

	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return text_starts_with_ignoring_case(text, "https://") &&
	       http_url_parse(memory, text, &none, &request) && text_is_host(request.host);
}

static struct setting *find_setting(struct settings_found *settings, enum service_kind kind)
{
	for (size_t i = 0; i < settings->count; i++)
		if (settings->items[i].kind == kind)
			return &settings->items[i];
	return NULL;
}

bool settings_have(const struct settings_found *settings, enum service_kind kind)
{
	return find_setting((struct settings_found *)settings, kind) != NULL;
}

void settings_add(struct settings_found *settings, const struct setting *setting)
{
	if (!find_setting(settings, setting->kind))
		settings->items[settings->count++] = *setting;
}

const char *settings_check(const struct settings_found *settings, bool takes_pop3, bool needs_smtp)
{
	if (takes_pop3 && !settings_have(settings, SERVICE_IMAP) &&
	    !settings_have(settings, SERVICE_POP3))
		return "no usable IMAP or POP3 server";
	if (!takes_pop3 && !settings_have(settings, SERVICE_IMAP))
		return "no usable IMAP server";
	if (needs_smtp && !settings_have(settings, SERVICE_SUBMISSION))
		return "no usable SMTP server";
	return NULL;
}

const char *document_parse(struct client_reading *reading, const struct xml_element **ret_root)
{
	struct error err;

	*ret_root = xml_parse_whole(reading->memory, reading->data, reading->size, &err);
	return *ret_root ? NULL : arena_strdup(reading->memory, err.text);
}

const char *document_account(struct client_reading *reading, const struct xml_element **ret_account)
{
	const struct xml_element *root, *response;
	const char *why = document_parse(reading, &root), *action;

	if (why)
		return why;
	response = element_child(root, "Response");
	*ret_account = element_child(response, "Account");
	if (!text_equals(root->name, "Autodiscover") || !response)
		return "not an Autodiscover document";
	if (!*ret_account)
		return element_child(response, "Error") ? "an Autodiscover error document"
							: "no <Account>";
	action = element_child_text(*ret_account, "Action");
	if (action && strncmp(action, "redirect", strlen("redirect")) == 0)
		return "the client does not follow redirects in documents";
	return NULL;
}

const char *read_autoconfig_server(struct client_reading *reading,
				   const struct xml_element *element, struct setting *setting)
{
	const char *host = element_child_text(element, "hostname"),
		   *port = element_child_text(element, "port");
	const char *username = element_child_text(element, "username"),
		   *type = element_child_text(element, "socketType");
	unsigned long number;

	if (!host || !*host || !username || !type || !port ||
	    !number_parse(text_trim(reading->memory, port), 1, UINT16_MAX, &number))
		return "a server lacks its hostname, port, socketType or username";
	if (text_equals(type, "SSL"))
		setting->security = SETTING_TLS;
	else if (text_equals(type, "STARTTLS") ||
		 (reading->model->autoconfig.tls_is_starttls && text_equals(type, "TLS")))
		setting->security = SETTING_STARTTLS;
	else if (text_equals(type, "plain"))
		setting->security = SETTING_PLAIN;
	else
		return "a server has an unknown socketType";
	setting->host = host;
	setting->port = (uint16_t)number;
	setting->username = expand_placeholders(reading, username);
	return NULL;
}

/* Returns NULL, or why the document is rejected. */
static const char *read_servers(struct client_reading *reading, const struct xml_element *provider,
				const char *name, bool is_incoming)
{
	const struct autoconfig_rules *rules = &reading->model->autoconfig;
	const struct xml_element *element = element_child(provider, name);

	for (; element; element = rules->only_first ? NULL : element_next(element)) {
		struct setting setting = { .kind = mail_kind_parse(
						   xml_attribute(element, "type")) };
		const char *why = NULL;

		if (setting.kind == SERVICE_KINDS ||
		    (setting.kind == SERVICE_POP3 && !rules->takes_pop3) ||
		    (rules->matches_element && is_incoming == (setting.kind == SERVICE_SUBMISSION)))
			continue;
		why = rules->read_server ? rules->read_server(reading, element, &setting)
					 : read_autoconfig_server(reading, element, &setting);
		if (why && rules->is_strict)
			return why;
		if (why)
			continue;
		if (reading->username)
			setting.username = reading->username;
		if (rules->last_server_wins && settings_have(&reading->settings, setting.kind))
			*find_setting(&reading->settings, setting.kind) = setting;
		else
			settings_add(&reading->settings, &setting);
	}
	return NULL;
}

static const char *read_provider(struct client_reading *reading, const struct xml_element *provider)
{
	const struct autoconfig_rules *rules = &reading->model->autoconfig;
	const char *why = rules->check_provider ? rules->check_provider(reading, provider) : NULL;

	reading->settings.count = 0;
	if (!why)
		why = read_servers(reading, provider, "incomingServer", true);
	if (!why)
		why = read_servers(reading, provider, "outgoingServer", false);
	return why ? why : settings_check(&reading->settings, rules->takes_pop3, rules->needs_smtp);
}

const char *read_autoconfig(struct client_reading *reading)
{
	const struct xml_element *root, *provider;
	const char *why = document_parse(reading, &root);

	if (why)
		return why;
	provider = element_child(root, "emailProvider");
	if (!provider)
		return "not an autoconfig document";
	do
		why = read_provider(reading, provider);
	while (!why && reading->model->autoconfig.last_provider_wins &&
	       (provider = element_next(provider)));
	return why;
}
