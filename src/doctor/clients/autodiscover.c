/*
 * The documents of Autodiscover: Outlook's (MS-OXDSCLI 2.2.4) as Outlook, Delta Chat and FairEmail
 * read it, and that of ActiveSync (MS-ASCMD 2.2.1.1). Outlook and phones compare namespaces, the
 * others ignore them.
 */

#include "doctor/client-document.h"
#include "doctor/host.h"

#define SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"
#define OUTER_SPACE SCHEMAS "responseschema/2006"
#define OUTLOOK_SPACE SCHEMAS "outlook/responseschema/2006a"
#define MOBILESYNC_SPACE SCHEMAS "mobilesync/responseschema/2006"

/* NULL where it is absent, as below. */
static const struct xml_element *outlook_child(const struct xml_element *parent, const char *name)
{
	return parent ? element_find(parent->first_child, name, OUTLOOK_SPACE) : NULL;
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

/* Encryption overrides SSL, which is on by default. Returns false where either is unknown. */
static bool read_security(const struct xml_element *protocol, struct setting *setting)
{
	const char *encryption = outlook_text(protocol, "Encryption");
	bool ssl = true;

	if (!read_switch(protocol, "SSL", &ssl))
		return false;
	if (encryption ? text_equals(encryption, "SSL") : ssl)
		setting->security = SETTING_TLS;
	else if (!encryption || text_equals(encryption, "None"))
		setting->security = SETTING_PLAIN;
	else if (text_equals(encryption, "TLS"))
		setting->security = SETTING_STARTTLS;
	else if (text_equals(encryption, "Auto"))
		setting->security = SETTING_AUTOMATIC;
	else
		return false;
	return true;
}

/* With UsePOPAuth, SMTP has the login of the incoming server. The default login is the local part.
 */
static const char *read_protocol(struct client_reading *reading, const struct xml_element *protocol,
				 struct setting *setting)
{
	static const char *const switches[] = { "SPA", "AuthRequired", "DomainRequired" };
	static const uint16_t ports[SERVICE_KINDS][2] = {
		[SERVICE_IMAP] = { 143, 993 },
		[SERVICE_POP3] = { 110, 995 },
		[SERVICE_SUBMISSION] = { 25, 465 },
	};
	const char *port = outlook_text(protocol, "Port"),
		   *login = outlook_text(protocol, "LoginName");
	bool is_on, reuses_login = false;

	setting->host = outlook_text(protocol, "Server");
	if (!setting->host || !*setting->host)
		return "a Protocol has no Server";
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++)
		if (!read_switch(protocol, switches[i], &is_on))
			return "a switch is neither on nor off";
	if (!read_security(protocol, setting))
		return "SSL or Encryption has an unknown value";
	setting->port = ports[setting->kind][setting->security == SETTING_TLS];
	if (port && !port_parse(port, &setting->port))
		return "an invalid Port";
	if (login && !*login)
		return "an empty LoginName";
	setting->username = login ?: reading->address->local;
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

/* Returns NULL with the account, or with a redirect and no account; or why not. */
static const char *find_account(struct client_reading *reading, const struct xml_element *root,
				const struct xml_element **ret_account)
{
	const struct xml_element *account;
	const char *action, *target;

	if (!element_find(root, "Autodiscover", OUTER_SPACE))
		return "not an Autodiscover document with the required namespace";
	account = outlook_child(outlook_child(root, "Response"), "Account");
	if (!account)
		return "no <Account> with the required namespace";
	if (!text_same(outlook_text(account, "AccountType"), "email"))
		return "not a mail account";
	action = outlook_text(account, "Action") ?: "";
	if (text_equals(action, "settings")) {
		*ret_account = account;
		return NULL;
	}
	if (text_equals(action, "redirectAddr")) {
		target = outlook_text(account, "RedirectAddr");
		if (!target || !*target)
			return "no RedirectAddr";
	} else if (text_equals(action, "redirectUrl")) {
		target = outlook_text(account, "RedirectUrl");
		if (!target || !text_is_https_url(reading->memory, target))
			return "the RedirectUrl is not an https URL";
	} else {
		return "no settings";
	}
	reading->settings.redirect_to = target;
	return NULL;
}

static enum service_kind kind_of(struct client_reading *reading, const char *type)
{
	return mail_kind_parse(text_lower(reading->memory, type ?: ""));
}

const char *read_outlook(struct client_reading *reading)
{
	const struct xml_element *root, *account = NULL, *protocol;
	const char *why = document_parse(reading, &root) ?: find_account(reading, root, &account);

	if (why || !account)
		return why;
	for (protocol = outlook_child(account, "Protocol"); protocol;
	     protocol = element_find(protocol->next, "Protocol", OUTLOOK_SPACE)) {
		struct setting setting = { kind_of(reading, outlook_text(protocol, "Type")) };

		if (setting.kind == SERVICE_KINDS)
			continue;
		why = read_protocol(reading, protocol, &setting);
		if (why)
			return why;
		reading_add(reading, &setting);
	}
	return reading_check(reading, true, false);
}

/* The fields that Delta Chat and FairEmail read; their user name is the address. */
static bool read_simple_protocol(struct client_reading *reading, const struct xml_element *protocol,
				 struct setting *setting)
{
	setting->kind = kind_of(reading, element_child_text(protocol, "Type"));
	setting->host = element_child_text(protocol, "Server");
	setting->username = reading->address->text;
	return setting->kind != SERVICE_KINDS && setting->kind != SERVICE_POP3 && setting->host &&
	       *setting->host && port_parse(element_child_text(protocol, "Port"), &setting->port);
}

static bool read_deltachat_protocol(struct client_reading *reading,
				    const struct xml_element *protocol, struct setting *setting)
{
	setting->security = text_same(element_child_text(protocol, "SSL"), "off")
				    ? SETTING_PLAIN
				    : SETTING_AUTOMATIC;
	return read_simple_protocol(reading, protocol, setting);
}

const char *read_outlook_as_deltachat(struct client_reading *reading)
{
	return read_protocols(reading, read_deltachat_protocol, false, true);
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
		reading_add(reading, &setting);
	}
	return reading_check(reading, false, false);
}

static const struct xml_element *mobilesync_child(const struct xml_element *parent,
						  const char *name)
{
	return parent ? element_find(parent->first_child, name, MOBILESYNC_SPACE) : NULL;
}

/* A phone logs in as the User of the document, or as the address that was typed. */
const char *read_mobilesync(struct client_reading *reading)
{
	const struct xml_element *root, *response, *action, *redirect, *server, *user;
	struct setting setting = { SERVICE_ACTIVESYNC };
	const char *why = document_parse(reading, &root);

	if (why)
		return why;
	if (!element_find(root, "Autodiscover", OUTER_SPACE))
		return "not an Autodiscover document with the required namespace";
	if (element_find(root->first_child, "Response", OUTER_SPACE))
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
	/* A Server of another type is for certificates. */
	server = mobilesync_child(mobilesync_child(action, "Settings"), "Server");
	for (; server && !setting.url;
	     server = element_find(server->next, "Server", MOBILESYNC_SPACE)) {
		const struct xml_element *type = mobilesync_child(server, "Type"),
					 *url = mobilesync_child(server, "Url");

		if (type && url && text_equals(type->text, "MobileSync"))
			setting.url = url->text;
	}
	if (!setting.url)
		return "no server for ActiveSync";
	if (!text_is_https_url(reading->memory, setting.url))
		return "the Url is not an https URL";
	user = mobilesync_child(mobilesync_child(response, "User"), "EMailAddress");
	setting.username = user && *user->text ? user->text : reading->address->text;
	reading_add(reading, &setting);
	return NULL;
}
