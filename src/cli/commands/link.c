/* mailconfctl link: web pages that clients show to users. */

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/provider-options.h"
#include "mail/text.h"
#include "mail/url.h"
#include "store/store.h"
#include "util/base.h"

/* The words PROVIDER documentation|enable URL. */
struct named_link {
	struct provider provider;
	enum link_kind kind;
	const char *url;
	struct link *links; /* a copy of the provider's, with room for one more */
	struct link *found; /* among them, or NULL */
};

static struct link *find_link(const struct named_link *named)
{
	for (size_t i = 0; i < named->provider.n_links; i++)
		if (named->links[i].kind == named->kind &&
		    text_equals(named->links[i].url, named->url))
			return &named->links[i];
	return NULL;
}

/* First the text as it is, because an invalid row may hold any text. */
static int find_link_as_typed(struct admin *admin, const struct arguments *arguments,
			      struct named_link *named, struct error *err)
{
	if (provider_require(admin, arguments->words[0], &named->provider, err) < 0 ||
	    link_kind_parse(admin->memory, arguments->words[1], &named->kind, err) < 0)
		return -1;
	named->links = arena_array(admin->memory, struct link, named->provider.n_links + 1);
	for (size_t i = 0; i < named->provider.n_links; i++)
		named->links[i] = named->provider.links[i];
	named->url = arguments->words[2];
	named->found = find_link(named);
	if (named->found)
		return 0;
	named->url = url_parse(admin->memory, "link", named->url, URL_OF_PAGE, err);
	if (!named->url)
		return -1;
	named->found = find_link(named);
	return 0;
}

static int require_link(struct admin *admin, const struct arguments *arguments,
			struct named_link *named, struct error *err)
{
	if (find_link_as_typed(admin, arguments, named, err) < 0)
		return -1;
	if (named->found)
		return 0;
	error_set(err, ERROR_MISSING, "provider '%s' has no %s link '%s'", named->provider.name,
		  link_kind_name(named->kind), named->url);
	return error_hint(err, "'link list' shows those it has");
}

/* Each --text, such as "en=How to set up a client", takes the place of the text in its language;
 * an empty one removes that. */
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
		const char *equals = strchr(given[i], '='), *language;
		size_t place = 0;

		if (!equals)
			return error_set(err, ERROR_USAGE,
					 "--text takes LANG=TEXT, as in en=Help, not '%s'",
					 given[i]);
		language = language_parse(
			admin->memory,
			arena_strndup(admin->memory, given[i], (size_t)(equals - given[i])), err);
		if (!language ||
		    (equals[1] && text_check("text", equals + 1, LINK_TEXT_MAX_LENGTH, err) < 0))
			return -1;
		while (place < count && !text_equals(texts[place].language, language))
			place++;
		if (equals[1]) {
			texts[place] = (struct link_text){ .language = language,
							   .text = equals + 1 };
			count += place == count;
		} else if (place < count) {
			memmove(&texts[place], &texts[place + 1],
				(--count - place) * sizeof(*texts));
		}
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
	struct link *link;

	if (find_link_as_typed(admin, arguments, &named, err) < 0)
		return -1;
	if (named.found) {
		error_set(err, ERROR_INPUT, "provider '%s' has the %s link '%s' already",
			  named.provider.name, link_kind_name(named.kind), named.url);
		return error_hint(err, "'link set' changes it");
	}
	link = &named.links[named.provider.n_links++];
	*link = (struct link){ .kind = named.kind, .url = named.url };
	if (apply_texts(admin, arguments, link, err) < 0 ||
	    store_set_links(admin->store, named.provider.id, named.links, named.provider.n_links,
			    err) != 0)
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

	if (require_link(admin, arguments, &named, err) < 0 ||
	    apply_texts(admin, arguments, named.found, err) < 0 ||
	    store_set_links(admin->store, named.provider.id, named.links, named.provider.n_links,
			    err) != 0)
		return -1;
	admin_say(admin, "%s link %s of provider %s changed", link_kind_name(named.kind), named.url,
		  named.provider.name);
	return 0;
}

const struct command link_set = {
	.name = "link set",
	.arguments = "PROVIDER documentation|enable URL",
	.summary = "Change the texts of a link",
	.details = "Texts in other languages stay. LANG= removes the text in a language.",
	.example = "mailconfctl link set uni documentation https://help.example.org/mail \\\n"
		   "        --text de= --text 'fr=Configurer votre logiciel'",
	.options = { link_options },
	.changes = "--text LANG=TEXT",
	.database = DATABASE_CHANGE,
	.run = change_link,
};

static int list_links(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(list_freep) struct list *lines = NULL;
	struct provider provider;

	if (provider_require(admin, arguments->words[0], &provider, err) < 0)
		return -1;
	lines = list_new("kind url texts", arguments->is_json);
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
	struct named_link named;

	if (require_link(admin, arguments, &named, err) < 0)
		return -1;
	for (struct link *last = &named.links[--named.provider.n_links]; named.found < last;
	     named.found++)
		named.found[0] = named.found[1];
	if (store_set_links(admin->store, named.provider.id, named.links, named.provider.n_links,
			    err) != 0)
		return -1;
	admin_say(admin, "%s link %s removed from provider %s", link_kind_name(named.kind),
		  named.url, named.provider.name);
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
