/*
 * Autoconfig documents of other servers, and those of Thunderbird's database of providers. The
 * draft of version 1.2 makes readers skip unknown elements and sections that are wrong; so does
 * this one, but it notes each for the administrator.
 *
 * A <domain purpose="mx"> is the domain of other domains' MX hosts. Thunderbird asks that domain
 * for their users, and is answered if it is a domain like the others: so it becomes one.
 */

#include "import/autoconfig-reader.h"

#include "import/autoconfig-parts.h"
#include "import/autoconfig-server.h"
#include "import/provider-draft.h"
#include "mail/text.h"
#include "mail/url.h"
#include "protocol/xml.h"
#include "util/idna.h"

static const struct xml_limits limits = { .depth = 16, .elements = 16384, .attributes = 16384 };

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

/* An issuer is a host name in Thunderbird's list, and a URL in RFC 8414. */
static const char *parse_issuer(struct draft *draft, const char *text, struct error *err)
{
	const char *host = text ? idna_to_ascii(draft->memory, text) : NULL;

	return host ? host : parse_url(draft, "issuer", text, err);
}

static int parse_oauth2(struct draft *draft, const struct xml_element *element,
			struct oauth2 *ret_oauth2, struct error *err)
{
	const char *scope = part_text(element, "scope");
	struct oauth2 oauth2 = {
		.issuer = parse_issuer(draft, part_text(element, "issuer"), err),
		.scope = scope,
	};

	if (!oauth2.issuer || text_check("scope", scope ? scope : "", SCOPE_MAX_LENGTH, err) < 0)
		return -1;
	oauth2.auth_url = parse_url(draft, "auth URL", part_text(element, "authURL"), err);
	if (!oauth2.auth_url)
		return -1;
	oauth2.token_url = parse_url(draft, "token URL", part_text(element, "tokenURL"), err);
	if (!oauth2.token_url)
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

static void read_domain(struct draft *draft, const struct xml_element *element)
{
	const char *purpose = xml_attribute(element, "purpose");

	note_attributes(draft, element, "purpose");
	if (purpose)
		draft_note(draft,
			   "the purpose '%s' of domain '%s' is left out: it becomes a domain like "
			   "the others",
			   purpose, element->text);
	draft_add_domain(draft, element->text);
}

/* Elements inside a provider, or on its level. */
static void read_element(struct draft *draft, const struct xml_element *element)
{
	if (autoconfig_read_server(draft, element))
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
		bool is_name = element_is(child, "displayName") && *child->text;
		bool is_short_name = element_is(child, "displayShortName") && *child->text;

		if (is_name || is_short_name)
			note_attributes(draft, child, "");
		if (is_name)
			draft_set_display_name(draft, child->text);
		else if (is_short_name)
			draft_set_short_name(draft, child->text);
		else if (element_is(child, "domain"))
			read_domain(draft, child);
		else
			read_element(draft, child);
	}
}

/* The elements on the level of the provider. */
static void read_rest(struct draft *draft, const struct xml_element *root,
		      const struct xml_element *provider)
{
	const char *version = xml_attribute(root, "version");

	note_attributes(draft, root, "version");
	if (version && !is_word_of(version, "1.0 1.1 1.2"))
		draft_note(draft, "version '%s' of the document is read as if it were 1.2",
			   version);
	for (const struct xml_element *child = root->first_child; child; child = child->next)
		if (child != provider)
			read_element(draft, child);
}

int autoconfig_read(struct arena *memory, const char *data, size_t size, struct draft *ret_draft,
		    struct error *err)
{
	const struct xml_element *root = xml_parse_within(memory, data, size, &limits, err);
	const struct xml_element *provider;
	struct draft draft;
	struct error none;
	const char *id;

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
	read_rest(&draft, root, provider);
	draft_settle(&draft);
	if (draft.provider.n_services == 0)
		return error_set(err, ERROR_INPUT, "it has no service that mailconfd supports%s%s",
				 draft.notes.count ? "; " : "",
				 draft.notes.count ? draft.notes.items[0] : "");
	*ret_draft = draft;
	return 0;
}
