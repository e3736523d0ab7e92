/*
 * The documents of Autodiscover: Outlook's (MS-OXDSCLI 2.2.4) as Outlook, Delta Chat and FairEmail
 * read it, and that of ActiveSync (MS-ASCMD 2.2.1.1). Outlook and phones compare namespaces, the
 * others ignore them.
 */

#include "doctor/client-document.h"
#include "util/base.h"

#define SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"
#define OUTER_SPACE SCHEMAS "responseschema/2006"
#define OUTLOOK_SPACE SCHEMAS "outlook/responseschema/2006a"
#define MOBILESYNC_SPACE SCHEMAS "mobilesync/responseschema/2006"

/* The first of the name and the namespace among the element and its later siblings, or NULL. */
static const struct xml_element *find_in_space(const struct xml_element *element, const char *name,
					       const char *space)
{
	while (element && (!text_equals(element->name, name) || !element->space ||
			   !text_equals(element->space, space)))
		element = element->next;
	return element;
}

/* NULL where it is absent, as below. */
static const struct xml_element *outlook_child(const struct xml_element *parent, const char *name)
{
	return parent ? find_in_space(parent->first_child, name, OUTLOOK_SPACE) : NULL;
}

static const char *outlook_text(const struct xml_element *parent, const char *name)
{
	const struct xml_element *child = outlook_child(parent, name);

	return child ? child->text : NULL;
}

/* An absent switch leaves *is_on as it is. Returns false where it is neither on nor off. */
static bool read_switch(const struct xml_element *protocol, const char *name, bool *is_on)
{
	const char *text = outlook_text(protocol, name);

	if (!text)
		return true;
	*is_on = text_equals(text, "on");
	return *is_on || text_equals(text, "off");
}

/* Encryption overrides SSL, which is on by default. */
static bool read_security(const struct xml_element *protocol, struct setting *setting)
{
	static const struct {
		const char *word;
		enum setting_security security;
	} encryptions[] = {
		{ "None", SETTING_PLAIN },
		{ "SSL", SETTING_TLS },
		{ "TLS", SETTING_STARTTLS },
		{ "Auto", SETTING_AUTOMATIC },
	};
	const char *encryption = outlook_text(protocol, "Encryption");
	bool ssl = true;

	if (!read_switch(protocol, "SSL", &ssl))
		return false;
	setting->security = ssl ? SETTING_TLS : SETTING_PLAIN;
	for (size_t i = 0; encryption && i < sizeof(encryptions) / sizeof(*encryptions); i++)
		if (text_equals(encryption, encryptions[i].word)) {
			setting->security = encryptions[i].security;
			return true;
		}
	return !encryption;
}

static uint16_t default_port(const struct setting *setting)
{
	bool is_tls = setting->security == SETTING_TLS;

	switch (setting->kind) {
	case SERVICE_IMAP:
		return is_tls ? 993 : 143;
	case SERVICE_POP3:
		return is_tls ? 995 : 110;
	default:
		return is_tls ? 465 : 25;
	}
}

/* With UsePOPAuth, SMTP has the login of the incoming server. The default is the local part. */
static const char *read_login(struct client_reading *reading, const struct xml_element *protocol,
			      struct setting *setting)
{
	const char *login = outlook_text(protocol, "LoginName");
	bool reuses_login = false;

	if (login && !*login)
		return "an empty LoginName";
	setting->username = login ? login : reading->address->local;
	if (setting->kind != SERVICE_SUBMISSION)
		return NULL;
	if (!read_switch(protocol, "UsePOPAuth", &reuses_login))
		return "a switch is neither on nor off";
	if (reuses_login && reading->settings.count == 0)
		return "UsePOPAuth comes before any login";
	if (reuses_login)
		setting->username = reading->settings.items[0].username;
	return NULL;
}

static const char *read_protocol(struct client_reading *reading, const struct xml_element *protocol,
				 struct setting *setting)
{
	static const char *const switches[] = { "SPA", "AuthRequired", "DomainRequired" };
	const char *port = outlook_text(protocol, "Port");
	unsigned long number;
	bool is_on;

	setting->host = outlook_text(protocol, "Server");
	if (!setting->host || !*setting->host)
		return "a Protocol has no Server";
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++)
		if (!read_switch(protocol, switches[i], &is_on))
			return "a switch is neither on nor off";
	if (!read_security(protocol, setting))
		return "SSL or Encryption has an unknown value";
	if (port && !number_parse(port, 1, UINT16_MAX, &number))
		return "an invalid Port";
	setting->port = port ? (uint16_t)number : default_port(setting);
	return read_login(reading, protocol, setting);
}

/* Returns NULL with the account, or with a redirect and no account; or why not. */
static const char *find_account(struct client_reading *reading, const struct xml_element *root,
				const struct xml_element **ret_account)
{
	const struct xml_element *account;
	const char *type, *action, *target;

	if (!find_in_space(root, "Autodiscover", OUTER_SPACE))
		return "not an Autodiscover document with the required namespace";
	account = outlook_child(outlook_child(root, "Response"), "Account");
	if (!account)
		return "no <Account> with the required namespace";
	type = outlook_text(account, "AccountType");
	action = outlook_text(account, "Action");
	if (!type || !text_equals(type, "email"))
		return "not a mail account";
	if (action && text_equals(action, "settings")) {
		*ret_account = account;
		return NULL;
	}
	if (action && text_equals(action, "redirectAddr")) {
		target = outlook_text(account, "RedirectAddr");
		if (!target || !*target)
			return "no RedirectAddr";
	} else if (action && text_equals(action, "redirectUrl")) {
		target = outlook_text(account, "RedirectUrl");
		if (!target || !text_is_https_url(reading->memory, target))
			return "the RedirectUrl is not an https URL";
	} else {
		return "no settings";
	}
	reading->settings.redirect_to = target;
	return NULL;
}

const char *read_outlook(struct client_reading *reading)
{
	const struct xml_element *root, *account = NULL, *protocol;
	const char *why = document_parse(reading, &root);

	if (!why)
		why = find_account(reading, root, &account);
	if (why || !account)
		return why;
	for (protocol = outlook_child(account, "Protocol"); protocol;
	     protocol = find_in_space(protocol->next, "Protocol", OUTLOOK_SPACE)) {
		const char *type = outlook_text(protocol, "Type");
		struct setting setting = {
			.kind = mail_kind_parse_ignoring_case(reading->memory, type),
		};

		if (setting.kind == SERVICE_KINDS)
			continue;
		why = read_protocol(reading, protocol, &setting);
		if (why)
			return why;
		settings_add(&reading->settings, &setting);
	}
	return settings_check(&reading->settings, true, false);
}

/* The fields that Delta Chat and FairEmail read; their user name is the address. */
static bool read_simple_protocol(struct client_reading *reading, const struct xml_element *protocol,
				 struct setting *setting)
{
	const char *host = element_child_text(protocol, "Server"),
		   *port = element_child_text(protocol, "Port");
	unsigned long number;

	setting->kind = mail_kind_parse_ignoring_case(reading->memory,
						      element_child_text(protocol, "Type"));
	if (setting->kind == SERVICE_KINDS || setting->kind == SERVICE_POP3 || !host || !*host ||
	    !port || !number_parse(port, 1, UINT16_MAX, &number))
		return false;
	setting->host = host;
	setting->port = (uint16_t)number;
	setting->username = reading->address->text;
	return true;
}

const char *read_outlook_as_deltachat(struct client_reading *reading)
{
	const struct xml_element *account = NULL, *protocol;
	const char *why = document_account(reading, &account);

	if (why)
		return why;
	for (protocol = element_child(account, "Protocol"); protocol;
	     protocol = element_next(protocol)) {
		const char *ssl = element_child_text(protocol, "SSL");
		struct setting setting = { 0 };

		if (!read_simple_protocol(reading, protocol, &setting))
			continue;
		setting.security = ssl && text_equals(ssl, "off") ? SETTING_PLAIN
								  : SETTING_AUTOMATIC;
		settings_add(&reading->settings, &setting);
	}
	return settings_check(&reading->settings, false, true);
}

const char *read_outlook_as_fairemail(struct client_reading *reading)
{
	const struct xml_element *account = NULL, *child;
	const char *type = "", *action = "", *why = document_account(reading, &account);

	if (why)
		return why;
	for (child = account->first_child; child; child = child->next) {
		struct setting setting = { 0 };

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
		if (!read_simple_protocol(reading, child, &setting))
			continue;
		setting.security = setting.port == (setting.kind == SERVICE_IMAP ? 143 : 587)
					   ? SETTING_STARTTLS
					   : SETTING_TLS;
		settings_add(&reading->settings, &setting);
	}
	return settings_check(&reading->settings, false, false);
}

static const struct xml_element *mobilesync_child(const struct xml_element *parent,
						  const char *name)
{
	return parent ? find_in_space(parent->first_child, name, MOBILESYNC_SPACE) : NULL;
}

/* A Server of another type is for certificates. */
static const char *find_mobilesync_url(const struct xml_element *action)
{
	const struct xml_element *server = mobilesync_child(mobilesync_child(action, "Settings"),
							    "Server");

	for (; server; server = find_in_space(server->next, "Server", MOBILESYNC_SPACE)) {
		const struct xml_element *type = mobilesync_child(server, "Type"),
					 *url = mobilesync_child(server, "Url");

		if (type && url && text_equals(type->text, "MobileSync"))
			return url->text;
	}
	return NULL;
}

/* A phone logs in as the User of the document, or as the address that was typed. */
const char *read_mobilesync(struct client_reading *reading)
{
	const struct xml_element *root, *response, *action, *redirect, *user;
	struct setting setting = { .kind = SERVICE_ACTIVESYNC };
	const char *why = document_parse(reading, &root);

	if (why)
		return why;
	if (!find_in_space(root, "Autodiscover", OUTER_SPACE))
		return "not an Autodiscover document with the required namespace";
	if (find_in_space(root->first_child, "Response", OUTER_SPACE))
		return "an Autodiscover error document";
	response = mobilesync_child(root, "Response");
	if (!response)
		return "no <Response> with the required namespace";
	action = mobilesync_child(response, "Action");
	redirect = mobilesync_child(action, "Redirect");
	if (redirect && *redirect->text) {
		reading->settings.redirect_to = redirect->text;
		return NULL;
	}
	setting.url = find_mobilesync_url(action);
	if (!setting.url)
		return "no server for ActiveSync";
	if (!text_is_https_url(reading->memory, setting.url))
		return "the Url is not an https URL";
	user = mobilesync_child(mobilesync_child(response, "User"), "EMailAddress");
	setting.username = user && *user->text ? user->text : reading->address->text;
	settings_add(&reading->settings, &setting);
	return NULL;
}
