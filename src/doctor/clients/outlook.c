/*
 * Outlook: its own document (MS-OXDSCLI 2.2.4), by namespaces, from the domain's web site first
 * (MS-OXDISCO 3.1.5). Encryption overrides SSL. What is absent has a default: SSL on, the usual
 * port, the local part as the user name. A switch is on or off, nothing else.
 */

#include "doctor/client-document.h"
#include "util/arena.h"
#include "util/bytes.h"

#define INNER AUTODISCOVER_SCHEMAS "outlook/responseschema/2006a"

static const struct xml_element *find_inner(const struct xml_element *element, const char *name)
{
	return document_in_space(element, name, INNER);
}

/* NULL where it is absent. */
static const char *inner_text(const struct xml_element *element, const char *name)
{
	const struct xml_element *child = find_inner(element->first_child, name);

	return child ? child->text : NULL;
}

static bool read_switch(const struct xml_element *protocol, const char *name, bool *is_on)
{
	const char *text = inner_text(protocol, name);

	if (!text)
		return true;
	*is_on = text_equals(text, "on");
	return *is_on || text_equals(text, "off");
}

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
	const char *encryption = inner_text(protocol, "Encryption");
	bool ssl = true;

	if (!read_switch(protocol, "SSL", &ssl))
		return false;
	setting->security = ssl ? SETTING_TLS : SETTING_PLAIN;
	if (!encryption)
		return true;
	for (size_t i = 0; i < sizeof(encryptions) / sizeof(*encryptions); i++)
		if (text_equals(encryption, encryptions[i].word)) {
			setting->security = encryptions[i].security;
			return true;
		}
	return false;
}

static uint16_t usual_port(const struct setting *setting)
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

static const char *read_protocol(const struct xml_element *protocol, const struct address *address,
				 struct setting *setting)
{
	static const char *const switches[] = { "SPA", "AuthRequired", "DomainRequired" };
	const char *port = inner_text(protocol, "Port"), *login = inner_text(protocol, "LoginName");
	unsigned long number;
	bool is_on;

	setting->host = inner_text(protocol, "Server");
	if (!setting->host || !*setting->host)
		return "a Protocol has no Server";
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++)
		if (!read_switch(protocol, switches[i], &is_on))
			return "a switch is neither on nor off";
	if (!read_security(protocol, setting))
		return "SSL or Encryption has a word that it does not know";
	if (port && !number_parse(port, 1, UINT16_MAX, &number))
		return "a Port is none";
	if (login && !*login)
		return "a LoginName is empty";
	setting->port = port ? (uint16_t)number : usual_port(setting);
	setting->username = login ? login : address->local;
	return NULL;
}

static const char *read_address(const struct xml_element *account, const char **ret_address)
{
	const char *text = inner_text(account, "RedirectAddr");

	if (!text || !*text)
		return "it has no RedirectAddr";
	*ret_address = text;
	return NULL;
}

static const char *read_url(struct arena *memory, const struct xml_element *account,
			    const char **ret_url)
{
	const char *text = inner_text(account, "RedirectUrl");

	if (!text || !document_is_url(memory, text))
		return "its RedirectUrl is none that begins with https://";
	*ret_url = text;
	return NULL;
}

/* Response and Account, by their namespaces; no account where it sends the person on. */
static const char *find_settings(struct arena *memory, const struct xml_element *root,
				 struct settings_found *ret_settings,
				 const struct xml_element **ret_account)
{
	const struct xml_element *response, *account;
	const char *type, *action;

	if (!document_in_space(root, "Autodiscover", AUTODISCOVER_SPACE))
		return "it is no Autodiscover document with the namespace that it needs";
	response = find_inner(root->first_child, "Response");
	account = response ? find_inner(response->first_child, "Account") : NULL;
	if (!account)
		return "it has no Account with the namespace that it needs";
	type = inner_text(account, "AccountType");
	action = inner_text(account, "Action");
	if (!type || !text_equals(type, "email"))
		return "it is no mail account";
	if (action && text_equals(action, "redirectAddr"))
		return read_address(account, &ret_settings->sent_on_to);
	if (action && text_equals(action, "redirectUrl"))
		return read_url(memory, account, &ret_settings->sent_on_to);
	if (!action || !text_equals(action, "settings"))
		return "it has no settings";
	*ret_account = account;
	return NULL;
}

/* With UsePOPAuth, sending needs no login of its own. */
static const char *reuse_login(const struct xml_element *protocol,
			       const struct settings_found *settings, struct setting *setting)
{
	bool reuses = false;

	if (setting->kind != SERVICE_SUBMISSION)
		return NULL;
	if (!read_switch(protocol, "UsePOPAuth", &reuses))
		return "a switch is neither on nor off";
	if (reuses && settings->count == 0)
		return "UsePOPAuth comes before any login";
	if (reuses)
		setting->username = settings->items[0].username;
	return NULL;
}

const char *read_outlook_strictly(struct arena *memory, const char *data, size_t size,
				  const struct address *address,
				  struct settings_found *ret_settings)
{
	const struct xml_element *root, *account = NULL, *protocol;
	const char *why = document_parse(memory, data, size, &root);

	if (!why)
		why = find_settings(memory, root, ret_settings, &account);
	if (why || ret_settings->sent_on_to)
		return why;
	for (protocol = find_inner(account->first_child, "Protocol"); protocol;
	     protocol = find_inner(protocol->next, "Protocol")) {
		struct setting setting = {
			.kind = document_kind_in_any_case(memory, inner_text(protocol, "Type")),
		};

		if (setting.kind == SERVICE_KINDS)
			continue;
		why = read_protocol(protocol, address, &setting);
		if (!why)
			why = reuse_login(protocol, ret_settings, &setting);
		if (why)
			return why;
		settings_take_first(ret_settings, &setting);
	}
	return settings_have(ret_settings, SERVICE_IMAP) ||
			       settings_have(ret_settings, SERVICE_POP3)
		       ? NULL
		       : "it has no incoming server";
}

const struct client client_outlook = {
	.word = "outlook",
	.name = "Outlook",
	.only_to_tls = true,
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "POST", true, "", PATH_AUTODISCOVER, .read = read_outlook_strictly },
			{ "POST", true, "autodiscover.", PATH_AUTODISCOVER,
			  .read = read_outlook_strictly },
			{ "GET", false, "autodiscover.", PATH_AUTODISCOVER, .only_redirects = true,
			  .read = read_outlook_strictly },
			{ "POST", true, NULL, PATH_AUTODISCOVER, .asks_srv = true,
			  .read = read_outlook_strictly },
			{ 0 },
		},
};
