/*
 * Autoconfig documents of other servers, and those of Thunderbird's database of providers. The
 * draft of version 1.2 makes readers skip unknown elements and sections that are wrong; so does
 * this one, but it notes each for the administrator.
 *
 * A <domain purpose="mx"> is the domain of other domains' MX hosts. Thunderbird asks that domain
 * for their users, and is answered if it is a domain like the others: so it becomes one.
 */

#include "import/autoconfig-reader.h"

#include "import/provider-draft.h"
#include "mail/text.h"
#include "mail/url.h"
#include "protocol/xml.h"
#include "util/idna.h"
#include "util/log.h"

static const struct xml_limits limits = { .depth = 16, .elements = 16384, .attributes = 16384 };

/* Elements. Names are compared without letter case, because documents that are written by hand
 * differ in it. */

static bool element_is(const struct xml_element *element, const char *name)
{
	return text_equals_ignoring_case(element->name, name);
}

/* The text of the first child of the name, or NULL. */
static const char *part_text(const struct xml_element *element, const char *name)
{
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (element_is(child, name))
			return child->text;
	return NULL;
}

/* Whether the name is one of the words, which have single spaces between them. */
static bool is_word_of(const char *name, const char *words)
{
	size_t length = strlen(name);

	for (; *words; words += strspn(words, " ")) {
		if (text_starts_with_ignoring_case(words, name) &&
		    (words[length] == ' ' || !words[length]))
			return true;
		words += strcspn(words, " ");
	}
	return false;
}

/* Notes an element that is not imported, unless it is empty. owner: what it belongs to, or "". */
static void note_element(struct draft *draft, const struct xml_element *element, const char *owner)
{
	if (!*element->text && !element->attributes && !element->first_child)
		return;
	draft_note(draft, "<%s>%s%s is left out: mailconfd has no equivalent", element->name,
		   *owner ? " of " : "", owner);
}

/* Notes the attributes that are not known: "id version". */
static void note_attributes(struct draft *draft, const struct xml_element *element,
			    const char *known)
{
	for (const struct xml_attribute *at = element->attributes; at; at = at->next)
		if (!is_word_of(at->name, known))
			draft_note(draft, "the attribute '%s' of <%s> is left out", at->name,
				   element->name);
}

/* Notes the children that are not known. */
static void note_children(struct draft *draft, const struct xml_element *element, const char *owner,
			  const char *known)
{
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (!is_word_of(child->name, known))
			note_element(draft, child, owner);
}

/* Servers */

/* The elements with a service. */
static const struct server_kind {
	const char *element, *type;
	enum service_kind kind;
	bool has_url;
} server_kinds[] = {
	{ "incomingServer", "imap", SERVICE_IMAP },
	{ "incomingServer", "pop3", SERVICE_POP3 },
	{ "incomingServer", "jmap", SERVICE_JMAP, .has_url = true },
	{ "incomingServer", "activesync", SERVICE_ACTIVESYNC, .has_url = true },
	{ "outgoingServer", "smtp", SERVICE_SUBMISSION },
	{ "calendar", "caldav", SERVICE_CALDAV, .has_url = true },
	{ "addressbook", "carddav", SERVICE_CARDDAV, .has_url = true },
	{ "fileShare", "webdav", SERVICE_WEBDAV, .has_url = true },
	{ "setupServer", "managesieve", SERVICE_MANAGESIEVE },
};

static const char *const socket_types[] = {
	[SECURITY_TLS] = "SSL",
	[SECURITY_STARTTLS] = "STARTTLS",
	[SECURITY_PLAIN] = "plain",
};

/* Names of version 1.0, and those of HTTP in the draft of 1.2. */
static const struct {
	const char *name, *authentication;
} other_names[] = {
	{ "plain", "password-cleartext" },	    { "secure", "password-encrypted" },
	{ "Basic", "password-cleartext" },	    { "Digest", "password-encrypted" },
	{ "client-ip-based", "client-IP-address" },
};

/* "imap server 'imap.example.org'", as far as it says what it is. */
static const char *server_words(struct draft *draft, const struct xml_element *element)
{
	static const char *const names[] = { "hostname", "url", "serverURL", "ewsURL", "owaURL" };
	const char *type = xml_attribute(element, "type"), *where = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !where; i++)
		where = part_text(element, names[i]);
	if (!where)
		return arena_printf(draft->memory, "a server of type %s",
				    log_quote(draft->memory, type));
	return arena_printf(draft->memory, "the %s%sserver %s", type ? type : "", type ? " " : "",
			    log_quote(draft->memory, where));
}

/* Reads where the service is: a URL, or a host with its port and security. */
static int read_location(struct draft *draft, const struct xml_element *element,
			 const struct server_kind *kind, struct service *service, struct error *err)
{
	const char *url = part_text(element, "url") ?: part_text(element, "serverURL");
	const char *host = part_text(element, "hostname"), *port = part_text(element, "port");
	const char *type = part_text(element, "socketType");

	if (kind->has_url && url)
		return draft_url_service(draft, kind->kind, url, service, err);
	if (kind->has_url || !host || !port || !type)
		return error_set(err, ERROR_INPUT, "it has no <%s>",
				 kind->has_url ? "url"
				 : !host       ? "hostname"
				 : !port       ? "port"
					       : "socketType");
	for (enum service_security i = SECURITY_TLS; i <= SECURITY_PLAIN; i++)
		if (text_equals_ignoring_case(socket_types[i], type))
			return draft_host_service(draft, kind->kind, i, host, port, service, err);
	return error_set(err, ERROR_INPUT, "its <socketType> %s is not SSL, STARTTLS or plain",
			 log_quote(draft->memory, type));
}

/* Reads the known authentications in their order. A server that offers only others is not imported,
 * so that no password is sent to it instead. */
static int read_authentications(struct draft *draft, const struct xml_element *element,
				struct service *service, const char *words, struct error *err)
{
	struct bytes list = BYTES_IN(draft->memory);
	bool has_any = false;

	for (const struct xml_element *child = element->first_child; child; child = child->next) {
		const char *name = child->text, *more;

		if (!element_is(child, "authentication"))
			continue;
		for (size_t i = 0; i < sizeof(other_names) / sizeof(*other_names); i++)
			if (text_equals_ignoring_case(other_names[i].name, child->text))
				name = other_names[i].authentication;
		has_any = true;
		note_attributes(draft, child, "system");
		more = list.size ? arena_printf(draft->memory, "%s,%s", bytes_text(&list), name)
				 : name;
		if (strchr(name, ',') ||
		    service_parse_authentications(draft->memory, more, service, err) < 0) {
			draft_note(draft, "%s: the authentication %s is left out", words,
				   log_quote(draft->memory, child->text));
			continue;
		}
		bytes_add_format(&list, "%s%s", list.size ? "," : "", name);
	}
	if (has_any && list.size == 0)
		return error_set(err, ERROR_INPUT, "it has no known <authentication>");
	return 0;
}

static enum wish read_wish(struct draft *draft, const struct xml_element *element, const char *url)
{
	if (text_equals_ignoring_case(element->text, "true"))
		return WISH_YES;
	if (text_equals_ignoring_case(element->text, "false"))
		return WISH_NO;
	note_element(draft, element, url);
	return WISH_NONE;
}

/* <checkInterval>15</checkInterval>, or <checkInterval minutes="15"/> as Mozilla describes it for
 * version 1.1. */
static unsigned read_number(struct draft *draft, const struct xml_element *element,
			    unsigned long max, const char *url)
{
	const char *minutes = xml_attribute(element, "minutes");
	unsigned long number;

	if (number_parse(minutes ? minutes : element->text, 1, max, &number))
		return (unsigned)number;
	note_element(draft, element, url);
	return 0;
}

static void read_pop3(struct draft *draft, const struct xml_element *pop3, const char *url,
		      struct pop3_wishes *wishes)
{
	for (const struct xml_element *child = pop3->first_child; child; child = child->next)
		if (element_is(child, "leaveMessagesOnServer"))
			wishes->leave_on_server = read_wish(draft, child, url);
		else if (element_is(child, "daysToLeaveMessagesOnServer"))
			wishes->leave_days = read_number(draft, child, LEAVE_MAX_DAYS, url);
		else if (element_is(child, "checkInterval"))
			wishes->check_interval = read_number(draft, child, CHECK_MAX_MINUTES, url);
		else if (element_is(child, "downloadOnBiff"))
			wishes->download_at_check = read_wish(draft, child, url);
		else
			note_element(draft, child, url);
	if (wishes->leave_days && wishes->leave_on_server != WISH_YES) {
		draft_note(draft,
			   "<daysToLeaveMessagesOnServer> of %s is left out: no messages are "
			   "left on the server",
			   url);
		wishes->leave_days = 0;
	}
}

static int read_service(struct draft *draft, const struct xml_element *element,
			const struct server_kind *kind, const char *words, struct error *err)
{
	struct service service;
	const char *url;

	if (read_location(draft, element, kind, &service, err) < 0 ||
	    read_authentications(draft, element, &service, words, err) < 0)
		return -1;
	url = service_url(draft->memory, &service);
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (element_is(child, "pop3") && service.kind == SERVICE_POP3)
			read_pop3(draft, child, url, &service.pop3);
		else if (element_is(child, "pop3"))
			note_element(draft, child, url);
	note_attributes(draft, element, "type");
	note_children(draft, element, url,
		      "hostname port socketType username authentication url serverURL pop3");
	draft_add_service(draft, &service, part_text(element, "username"));
	return 0;
}

/* Adds the service of a server, or notes why not. Returns whether the element is a server. */
static bool read_server(struct draft *draft, const struct xml_element *element)
{
	const char *type = xml_attribute(element, "type"), *words;
	const struct server_kind *kind = NULL;
	bool is_server = false;
	struct error err;

	for (size_t i = 0; i < sizeof(server_kinds) / sizeof(*server_kinds) && !kind; i++) {
		if (!element_is(element, server_kinds[i].element))
			continue;
		is_server = true;
		if (type && text_equals_ignoring_case(type, server_kinds[i].type))
			kind = &server_kinds[i];
	}
	if (!is_server)
		return false;
	words = server_words(draft, element);
	if ((kind ? read_service(draft, element, kind, words, &err)
		  : error_set(&err, ERROR_INPUT,
			      "mailconfd does not support this type of service")) < 0)
		draft_note(draft, "%s is left out: %s", words, err.text);
	return true;
}

/* All other elements */

static const struct {
	const char *element;
	enum link_kind kind;
	const char *url, *text;
} links[] = {
	{ "documentation", LINK_DOCUMENTATION, "url", "descr" },
	{ "enable", LINK_ENABLE, "visiturl", "instruction" },
};

/* The language of a text without the attribute. */
#define LANGUAGE_DEFAULT "en"

/* Adds the text unless there is one in its language. Returns 0, or -1 with err set. */
static int add_link_text(struct draft *draft, const struct xml_element *element, struct link *link,
			 struct link_text *texts, struct error *err)
{
	const char *language = xml_attribute(element, "lang");

	language = language_parse(draft->memory, language ? language : LANGUAGE_DEFAULT, err);
	if (!language || text_check("text", element->text, LINK_TEXT_MAX_LENGTH, err) < 0)
		return -1;
	for (size_t i = 0; i < link->n_texts; i++)
		if (text_equals(texts[i].language, language))
			return error_set(err, ERROR_INPUT, "there is already one in '%s'",
					 language);
	if (link->n_texts == LINK_TEXTS_MAX)
		return error_set(err, ERROR_INPUT, "a link has texts in at most %d languages",
				 LINK_TEXTS_MAX);
	texts[link->n_texts++] = (struct link_text){ language, element->text };
	return 0;
}

static void read_link(struct draft *draft, const struct xml_element *element, size_t kind)
{
	struct link_text *texts = arena_array(draft->memory, struct link_text, LINK_TEXTS_MAX);
	const char *url = xml_attribute(element, links[kind].url);
	struct link link = { .kind = links[kind].kind, .url = url, .texts = texts };
	struct error err;

	if (!url) {
		note_element(draft, element, "");
		return;
	}
	note_attributes(draft, element, links[kind].url);
	for (const struct xml_element *child = element->first_child; child; child = child->next) {
		if (!element_is(child, links[kind].text)) {
			note_element(draft, child, url);
			continue;
		}
		note_attributes(draft, child, "lang");
		if (add_link_text(draft, child, &link, texts, &err) < 0)
			draft_note(draft, "a <%s> of %s is left out: %s", child->name, url,
				   err.text);
	}
	draft_add_link(draft, &link);
}

static const char *parse_url(struct draft *draft, const char *what, const char *text,
			     struct error *err)
{
	return url_parse(draft->memory, what, text ? text : "", URL_OF_SERVICE, err);
}

static int parse_oauth2(struct draft *draft, const struct xml_element *element,
			struct oauth2 *ret_oauth2, struct error *err)
{
	const char *issuer = part_text(element, "issuer");
	struct oauth2 oauth2 = { .scope = part_text(element, "scope") };

	/* An issuer is a host name in Thunderbird's list, and a URL in RFC 8414. */
	oauth2.issuer = issuer ? idna_to_ascii(draft->memory, issuer) : NULL;
	if (!oauth2.issuer)
		oauth2.issuer = parse_url(draft, "issuer", issuer, err);
	if (!oauth2.issuer || text_check("scope", oauth2.scope ?: "", SCOPE_MAX_LENGTH, err) < 0 ||
	    !(oauth2.auth_url = parse_url(draft, "auth URL", part_text(element, "authURL"), err)) ||
	    !(oauth2.token_url = parse_url(draft, "token URL", part_text(element, "tokenURL"),
					   err)))
		return -1;
	*ret_oauth2 = oauth2;
	return 0;
}

static void read_oauth2(struct draft *draft, const struct xml_element *element)
{
	struct error err;

	if (draft->provider.oauth2.issuer) {
		draft_note(draft, "a second <%s> is left out", element->name);
		return;
	}
	note_attributes(draft, element, "");
	note_children(draft, element, "<oAuth2>", "issuer scope authURL tokenURL");
	if (parse_oauth2(draft, element, &draft->provider.oauth2, &err) < 0)
		draft_note(draft, "<%s> is left out: %s", element->name, err.text);
}

/* Only the URL of the login page is imported, not how its form is filled in. */
static void read_webmail(struct draft *draft, const struct xml_element *element)
{
	const char *url = NULL;
	struct error err;

	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (element_is(child, "loginPage") && !url)
			url = xml_attribute(child, "url");
	note_children(draft, element, "<webMail>", "loginPage");
	if (!url)
		return;
	draft->provider.webmail = parse_url(draft, "web mail", url, &err);
	if (!draft->provider.webmail)
		draft_note(draft, "<%s> is left out: %s", element->name, err.text);
}

/* Elements inside a provider, or on its level. */
static void read_element(struct draft *draft, const struct xml_element *element)
{
	if (read_server(draft, element))
		return;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (element_is(element, links[i].element)) {
			read_link(draft, element, i);
			return;
		}
	if (element_is(element, "oAuth2"))
		read_oauth2(draft, element);
	else if (element_is(element, "webMail"))
		read_webmail(draft, element);
	else
		note_element(draft, element, "");
}

static void read_provider(struct draft *draft, const struct xml_element *element)
{
	note_attributes(draft, element, "id");
	for (const struct xml_element *child = element->first_child; child; child = child->next) {
		const char *purpose = xml_attribute(child, "purpose");

		if (element_is(child, "displayName") && *child->text) {
			note_attributes(draft, child, "");
			draft_set_display_name(draft, child->text);
		} else if (element_is(child, "displayShortName") && *child->text) {
			note_attributes(draft, child, "");
			draft_set_short_name(draft, child->text);
		} else if (element_is(child, "domain")) {
			note_attributes(draft, child, "purpose");
			if (purpose)
				draft_note(
					draft,
					"the purpose '%s' of domain '%s' is left out: it becomes "
					"a domain like the others",
					purpose, child->text);
			draft_add_domain(draft, child->text);
		} else {
			read_element(draft, child);
		}
	}
}

int autoconfig_read(struct arena *memory, const char *data, size_t size, struct draft *ret_draft,
		    struct error *err)
{
	const struct xml_element *root = xml_parse_within(memory, data, size, &limits, err);
	const struct xml_element *provider;
	struct draft draft;
	struct error none;
	const char *id, *version;

	if (!root)
		return -1;
	if (!text_equals(root->name, "clientConfig"))
		return error_set(err, ERROR_INPUT,
				 "not an autoconfig document: it begins with <%s> instead of "
				 "<clientConfig>",
				 root->name);
	provider = root->first_child;
	while (provider && !element_is(provider, "emailProvider"))
		provider = provider->next;
	if (!provider)
		return error_set(err, ERROR_INPUT, "it has no <emailProvider>");
	draft_init(&draft, memory);
	id = xml_attribute(provider, "id");
	if (id && text_check("provider name", id, PROVIDER_NAME_MAX_LENGTH, &none) == 0)
		draft.provider.name = id;
	read_provider(&draft, provider);
	note_attributes(&draft, root, "version");
	version = xml_attribute(root, "version");
	if (version && !is_word_of(version, "1.0 1.1 1.2"))
		draft_note(&draft, "version '%s' of the document is read as if it were 1.2",
			   version);
	/* The elements on the level of the provider. */
	for (const struct xml_element *child = root->first_child; child; child = child->next)
		if (child != provider)
			read_element(&draft, child);
	draft_settle(&draft);
	if (draft.provider.n_services == 0)
		return error_set(err, ERROR_INPUT, "it has no service that mailconfd supports%s%s",
				 draft.notes.count ? "; " : "",
				 draft.notes.count ? draft.notes.items[0] : "");
	*ret_draft = draft;
	return 0;
}
