/* mailconfctl link: web pages that clients show to users. */

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/provider-options.h"
#include "mail/text.h"
#include "mail/url.h"
#include "store/store.h"
#include "util/base.h"

/* The words PROVIDER documentation|enable URL. found is its link, or NULL. */
struct named_link {
	struct provider provider;
	enum link_kind kind;
	const char *url;
	const struct link *found;
};

static const struct link *find_link(const struct provider *provider, enum link_kind kind,
				    const char *url)
{
	for (size_t i = 0; i < provider->n_links; i++)
		if (provider->links[i].kind == kind && text_equals(provider->links[i].url, url))
			return &provider->links[i];
	return NULL;
}

/* First the text as it is, because an invalid row may hold any text. */
static int find_link_as_typed(struct admin *admin, const struct arguments *arguments,
			      struct named_link *named, struct error *err)
{
	if (provider_require(admin, arguments->words[0], &named->provider, err) < 0 ||
	    link_kind_parse(admin->memory, arguments->words[1], &named->kind, err) < 0)
		return -1;
	named->url = arguments->words[2];
	named->found = find_link(&named->provider, named->kind, named->url);
	if (named->found)
		return 0;
	named->url = url_parse(admin->memory, "link", named->url, URL_OF_PAGE, err);
	if (!named->url)
		return -1;
	named->found = find_link(&named->provider, named->kind, named->url);
	return 0;
}

static int refuse_missing_link(const struct named_link *named, struct error *err)
{
	error_set(err, ERROR_INPUT, "provider '%s' has no %s link '%s'", named->provider.name,
		  link_kind_name(named->kind), named->url);
	return error_hint(err, "'link list' shows those it has");
}

/* The links without the one that was found, with room for one more behind them. */
static struct link *other_links(struct admin *admin, const struct named_link *named,
				size_t *ret_count)
{
	const struct provider *provider = &named->provider;
	struct link *links = arena_array(admin->memory, struct link, provider->n_links + 1);
	size_t count = 0;

	for (size_t i = 0; i < provider->n_links; i++)
		if (&provider->links[i] != named->found)
			links[count++] = provider->links[i];
	*ret_count = count;
	return links;
}

/* en=How to set up a client
 * ^language, lower case     */
static int parse_text(struct admin *admin, const char *given, struct link_text *ret_text,
		      struct error *err)
{
	const char *equals = strchr(given, '=');

	if (!equals)
		return error_set(err, ERROR_USAGE,
				 "--text takes LANG=TEXT, as in en=Help, not '%s'", given);
	ret_text->language = language_parse(
		admin->memory, arena_strndup(admin->memory, given, (size_t)(equals - given)), err);
	ret_text->text = equals + 1;
	if (!ret_text->language)
		return -1;
	return *ret_text->text ? text_check("text", ret_text->text, LINK_TEXT_MAX_LENGTH, err) : 0;
}

/* Puts the text in the place of that of the same language, or behind all; an empty one takes that
 * away. */
static void put_text(struct link_text *texts, size_t *count, const struct link_text *text)
{
	size_t place = 0;

	while (place < *count && !text_equals(texts[place].language, text->language))
		place++;
	if (*text->text) {
		texts[place] = *text;
		*count += place == *count;
	} else if (place < *count) {
		memmove(&texts[place], &texts[place + 1], (--*count - place) * sizeof(*texts));
	}
}

/* Changes what the options say. */
static int apply_texts(struct admin *admin, const struct arguments *arguments, struct link *link,
		       struct error *err)
{
	const char **given;
	size_t n_given = option_values(admin->memory, arguments, "text", &given);
	size_t count = link->n_texts;
	struct link_text *texts = arena_array(admin->memory, struct link_text, count + n_given);

	if (count)
		memcpy(texts, link->texts, count * sizeof(*texts));
	for (size_t i = 0; i < n_given; i++) {
		struct link_text text;

		if (parse_text(admin, given[i], &text, err) < 0)
			return -1;
		put_text(texts, &count, &text);
	}
	if (count > LINK_TEXTS_MAX)
		return error_set(err, ERROR_INPUT, "a link has texts in at most %d languages",
				 LINK_TEXTS_MAX);
	link->texts = texts;
	link->n_texts = count;
	return 0;
}

static const struct option link_options[] = {
	{ "text", "LANG=TEXT", "its text in a language; may be repeated", .repeats = true },
	{ 0 },
};

static int add_link(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct named_link named;
	struct link *links;
	size_t count;

	if (find_link_as_typed(admin, arguments, &named, err) < 0)
		return -1;
	if (named.found) {
		error_set(err, ERROR_INPUT, "provider '%s' has the %s link '%s' already",
			  named.provider.name, link_kind_name(named.kind), named.url);
		return error_hint(err, "'link set' changes it");
	}
	links = other_links(admin, &named, &count);
	links[count] = (struct link){ .kind = named.kind, .url = named.url };
	if (apply_texts(admin, arguments, &links[count], err) < 0 ||
	    store_set_links(admin->store, named.provider.id, links, count + 1, err) != 0)
		return -1;
	admin_say(admin, "%s link %s added to provider %s", link_kind_name(named.kind), named.url,
		  named.provider.name);
	return 0;
}

const struct command link_add = {
	.name = "link add",
	.arguments = "PROVIDER documentation|enable URL",
	.summary = "Add a link to a web page to a provider",
	.details =
		"A documentation link explains how to set up a client. An enable link is where a\n"
		"user must first allow access by clients. Documents list links in the order of\n"
		"adding. LANG is a language tag such as en, de or pt-br.",
	.example = "mailconfctl link add uni documentation https://help.example.org/mail \\\n"
		   "        --text 'en=How to set up your client' --text 'de=So geht es'",
	.options = { link_options },
	.database = DATABASE_CHANGE,
	.run = add_link,
};

static int change_link(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct named_link named;
	struct link *links;
	size_t place;

	if (find_link_as_typed(admin, arguments, &named, err) < 0)
		return -1;
	if (!named.found)
		return refuse_missing_link(&named, err);
	place = (size_t)(named.found - named.provider.links);
	links = arena_copy(admin->memory, named.provider.links, named.provider.n_links,
			   sizeof(*links));
	if (apply_texts(admin, arguments, &links[place], err) < 0 ||
	    store_set_links(admin->store, named.provider.id, links, named.provider.n_links, err) !=
		    0)
		return -1;
	admin_say(admin, "%s link %s of provider %s changed", link_kind_name(named.kind), named.url,
		  named.provider.name);
	return 0;
}

const struct command link_set = {
	.name = "link set",
	.arguments = "PROVIDER documentation|enable URL",
	.summary = "Change the texts of a link",
	.details = "Languages that no option names keep their text; LANG= takes one away.",
	.example = "mailconfctl link set uni documentation https://help.example.org/mail \\\n"
		   "        --text de= --text 'fr=Configurer votre logiciel'",
	.options = { link_options },
	.changes = "--text LANG=TEXT",
	.database = DATABASE_CHANGE,
	.run = change_link,
};

static int list_links(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	static const char *const columns[] = { "kind", "url", "texts", NULL };
	_cleanup_(list_freep) struct list *lines = NULL;
	struct provider provider;

	if (provider_require(admin, arguments->words[0], &provider, err) < 0)
		return -1;
	lines = list_new(columns, arguments->is_json);
	for (size_t i = 0; i < provider.n_links; i++)
		list_add(lines, link_entry(&provider.links[i]));
	list_end(lines, "the provider has no links; 'link add' adds one");
	return 0;
}

const struct command link_list = {
	.name = "link list",
	.arguments = "PROVIDER",
	.summary = "List the links of a provider in the order of documents",
	.example = "mailconfctl link list uni",
	.database = DATABASE_READ,
	.skips_invalid_rows = true,
	.run = list_links,
};

static int remove_link(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	bool if_exists = option_is_given(arguments, "if-exists");
	const char *name = arguments->words[0];
	struct named_link named;
	struct link *links;
	size_t count;
	int r;

	r = store_find_provider(admin->store, admin->memory, name, &named.provider, err);
	if (r == STORE_NOT_FOUND && if_exists)
		return 0;
	if (r < 0 || find_link_as_typed(admin, arguments, &named, err) < 0)
		return -1;
	if (!named.found)
		return if_exists ? 0 : refuse_missing_link(&named, err);
	links = other_links(admin, &named, &count);
	if (store_set_links(admin->store, named.provider.id, links, count, err) != 0)
		return -1;
	admin_say(admin, "%s link %s removed from provider %s", link_kind_name(named.kind),
		  named.url, name);
	return 0;
}

const struct command link_remove = {
	.name = "link remove",
	.arguments = "PROVIDER documentation|enable URL",
	.summary = "Remove a link from a provider",
	.example = "mailconfctl link remove uni documentation https://help.example.org/mail",
	.options = { if_exists_options },
	.database = DATABASE_CHANGE,
	.run = remove_link,
};
