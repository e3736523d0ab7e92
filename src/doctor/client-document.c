#include "doctor/client-document.h"

#include "doctor/host.h"
#include "mail/pattern.h"

const struct xml_element *element_find(const struct xml_element *element, const char *name,
				       const char *space)
{
	while (element && (!text_equals(element->name, name) ||
			   (space ? !text_same(element->space, space) : element->prefix != NULL)))
		element = element->next;
	return element;
}

const struct xml_element *element_child(const struct xml_element *element, const char *name)
{
	return element ? element_find(element->first_child, name, NULL) : NULL;
}

const char *element_child_text(const struct xml_element *element, const char *name)
{
	const struct xml_element *child = element_child(element, name);

	return child ? child->text : NULL;
}

const struct xml_element *element_next(const struct xml_element *element)
{
	return element_find(element->next, element->name, NULL);
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
	if (text_same(type, "imap"))
		return SERVICE_IMAP;
	if (text_same(type, "pop3"))
		return SERVICE_POP3;
	return text_same(type, "smtp") ? SERVICE_SUBMISSION : SERVICE_KINDS;
}

enum setting_security port_security(uint16_t port)
{
	return port == 143 || port == 110 || port == 25 || port == 587 ? SETTING_STARTTLS
								       : SETTING_TLS;
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

static struct setting *find_setting(struct client_reading *reading, enum service_kind kind)
{
	for (size_t i = 0; i < reading->settings.count; i++)
		if (reading->settings.items[i].kind == kind)
			return &reading->settings.items[i];
	return NULL;
}

void reading_add(struct client_reading *reading, const struct setting *setting)
{
	if (!find_setting(reading, setting->kind))
		reading->settings.items[reading->settings.count++] = *setting;
}

const char *reading_check(struct client_reading *reading, bool takes_pop3, bool needs_smtp)
{
	if (!find_setting(reading, SERVICE_IMAP)) {
		if (!takes_pop3)
			return "no usable IMAP server";
		if (!find_setting(reading, SERVICE_POP3))
			return "no usable IMAP or POP3 server";
	}
	return needs_smtp && !find_setting(reading, SERVICE_SUBMISSION) ? "no usable SMTP server"
									: NULL;
}

const char *document_parse(struct client_reading *reading, const struct xml_element **ret_root)
{
	struct error err;

	*ret_root = xml_parse_whole(reading->memory, reading->data, reading->size, NULL, &err);
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
		return "the document is a redirect, which is not followed";
	return NULL;
}

const char *read_protocols(struct client_reading *reading, protocol_reader read, bool takes_pop3,
			   bool needs_smtp)
{
	const struct xml_element *account = NULL, *protocol;
	const char *why = document_account(reading, &account);

	if (why)
		return why;
	for (protocol = element_child(account, "Protocol"); protocol;
	     protocol = element_next(protocol)) {
		struct setting setting = { 0 };

		if (read(reading, protocol, &setting))
			reading_add(reading, &setting);
	}
	return reading_check(reading, takes_pop3, needs_smtp);
}

const char *read_autoconfig_server(struct client_reading *reading,
				   const struct xml_element *element, struct setting *setting)
{
	const char *port = element_child_text(element, "port"),
		   *username = element_child_text(element, "username"),
		   *type = element_child_text(element, "socketType");

	setting->host = element_child_text(element, "hostname");
	if (!setting->host || !*setting->host || !username || !type ||
	    !port_parse(text_trim(reading->memory, port ?: ""), &setting->port))
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
		struct setting setting = { mail_kind_parse(xml_attribute(element, "type")) };
		struct setting *old;
		const char *why;

		if (setting.kind == SERVICE_KINDS ||
		    (setting.kind == SERVICE_POP3 && !rules->takes_pop3) ||
		    (rules->matches_element && is_incoming == (setting.kind == SERVICE_SUBMISSION)))
			continue;
		why = (rules->read_server ?: read_autoconfig_server)(reading, element, &setting);
		if (why && rules->is_strict)
			return why;
		if (why)
			continue;
		if (reading->username)
			setting.username = reading->username;
		old = rules->last_server_wins ? find_setting(reading, setting.kind) : NULL;
		if (old)
			*old = setting;
		else
			reading_add(reading, &setting);
	}
	return NULL;
}

const char *read_autoconfig(struct client_reading *reading)
{
	const struct autoconfig_rules *rules = &reading->model->autoconfig;
	const struct xml_element *root, *provider;
	const char *why = document_parse(reading, &root);

	if (why)
		return why;
	provider = element_child(root, "emailProvider");
	if (!provider)
		return "not an autoconfig document";
	if (rules->login_is_address)
		reading->username = reading->address->text;
	do {
		reading->settings.count = 0;
		if (rules->check_provider)
			why = rules->check_provider(reading, provider);
		if (!why)
			why = read_servers(reading, provider, "incomingServer", true);
		if (!why)
			why = read_servers(reading, provider, "outgoingServer", false);
		if (!why)
			why = reading_check(reading, rules->takes_pop3, rules->needs_smtp);
	} while (!why && rules->last_provider_wins && (provider = element_next(provider)));
	return why;
}
