/* What an autoconfig document has of pages on the web: links with what they say, who issues tokens
 * for OAuth2, and web mail. */

#include <string.h>

#include "import/autoconfig-parts.h"
#include "import/provider-draft.h"
#include "mail/text.h"
#include "mail/url.h"
#include "protocol/xml.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/idna.h"

static const struct {
	const char *element;
	enum link_kind kind;
	const char *url, *text;
} links[] = {
	{ "documentation", LINK_DOCUMENTATION, "url", "descr" },
	{ "enable", LINK_ENABLE, "visiturl", "instruction" },
};

/* The language of a text that does not say it. */
#define LANGUAGE_DEFAULT "en"

/* Adds the text unless there is one in its language. Returns 0, or -1 with err set. */
static int read_text(struct draft *draft, const struct xml_element *element, struct link *link,
		     struct link_text *texts, struct error *err)
{
	const char *language = xml_attribute(element, "lang");

	language = language_parse(draft->memory, language ? language : LANGUAGE_DEFAULT, err);
	if (!language || text_check("text", element->text, LINK_TEXT_MAX_LENGTH, err) < 0)
		return -1;
	for (size_t i = 0; i < link->n_texts; i++)
		if (text_equals(texts[i].language, language))
			return error_set(err, ERROR_INPUT, "there is one in '%s' already",
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
	const char *const attributes[] = { links[kind].url, NULL };
	static const char *const of_text[] = { "lang", NULL };
	const char *url = xml_attribute(element, links[kind].url);
	struct link link = { .kind = links[kind].kind, .url = url, .texts = texts };
	struct error err;

	if (!url) {
		note_element(draft, element, "");
		return;
	}
	note_attributes(draft, element, attributes);
	for (const struct xml_element *child = element->first_child; child; child = child->next) {
		if (!element_is(child, links[kind].text)) {
			note_element(draft, child, url);
			continue;
		}
		note_attributes(draft, child, of_text);
		if (read_text(draft, child, &link, texts, &err) < 0)
			draft_note(draft, "a <%s> of %s is left out: %s", child->name, url,
				   err.text);
	}
	draft_add_link(draft, &link);
}

static const char *checked_url(struct draft *draft, const char *what, const char *text,
			       struct error *err)
{
	return url_parse(draft->memory, what, text ? text : "", URL_OF_SERVICE, err);
}

/* Thunderbird's list has issuers by their host name, RFC 8414 by a URL. */
static const char *checked_issuer(struct draft *draft, const char *text, struct error *err)
{
	const char *host = text ? idna_to_ascii(draft->memory, text) : NULL;

	return host ? host : checked_url(draft, "issuer", text, err);
}

static int check_oauth2(struct draft *draft, const struct xml_element *element,
			struct oauth2 *ret_oauth2, struct error *err)
{
	const char *scope = part_text(element, "scope");
	struct oauth2 oauth2 = {
		.issuer = checked_issuer(draft, part_text(element, "issuer"), err),
		.scope = scope,
	};

	if (!oauth2.issuer || text_check("scope", scope ? scope : "", SCOPE_MAX_LENGTH, err) < 0)
		return -1;
	oauth2.auth_url = checked_url(draft, "auth URL", part_text(element, "authURL"), err);
	if (!oauth2.auth_url)
		return -1;
	oauth2.token_url = checked_url(draft, "token URL", part_text(element, "tokenURL"), err);
	if (!oauth2.token_url)
		return -1;
	*ret_oauth2 = oauth2;
	return 0;
}

/* All of it, or none. */
static void read_oauth2(struct draft *draft, const struct xml_element *element)
{
	static const char *const known[] = { "issuer", "scope", "authURL", "tokenURL", NULL };
	static const char *const none[] = { NULL };
	struct error err;

	if (draft->provider.oauth2.issuer) {
		draft_note(draft, "a second <%s> is left out", element->name);
		return;
	}
	note_attributes(draft, element, none);
	note_children(draft, element, "<oAuth2>", known);
	if (check_oauth2(draft, element, &draft->provider.oauth2, &err) < 0)
		draft_note(draft, "<%s> is left out: %s", element->name, err.text);
}

/* A login page is a page; how its form is filled in is held nowhere. */
static void read_webmail(struct draft *draft, const struct xml_element *element)
{
	static const char *const known[] = { "loginPage", NULL };
	const char *url = NULL;
	struct error err;

	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (element_is(child, "loginPage") && !url)
			url = xml_attribute(child, "url");
	note_children(draft, element, "<webMail>", known);
	if (!url)
		return;
	draft->provider.webmail = checked_url(draft, "web mail", url, &err);
	if (!draft->provider.webmail)
		draft_note(draft, "<%s> is left out: %s", element->name, err.text);
}

bool read_page(struct draft *draft, const struct xml_element *element)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (element_is(element, links[i].element)) {
			read_link(draft, element, i);
			return true;
		}
	if (element_is(element, "oAuth2"))
		read_oauth2(draft, element);
	else if (element_is(element, "webMail"))
		read_webmail(draft, element);
	else
		return false;
	return true;
}
