/*
 * Autoconfig documents as other servers publish them, and as Thunderbird's database of providers
 * has them. The draft of version 1.2 has readers pass over what they do not know, and over a
 * section that is wrong; so does this one, but an admin is told of each.
 *
 * A <domain purpose="mx"> is what MX records of other domains point to. Thunderbird asks the host
 * of that domain about addresses of those, and is answered where it is a domain like the others: so
 * it becomes one.
 */

#include "import/autoconfig-reader.h"

#include <string.h>

#include "import/autoconfig-parts.h"
#include "import/provider-draft.h"
#include "mail/text.h"
#include "protocol/xml.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"

static const struct xml_limits limits = { .depth = 16, .elements = 16384, .attributes = 16384 };

bool element_is(const struct xml_element *element, const char *name)
{
	return text_equals_ignoring_case(element->name, name);
}

bool name_is_any(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (text_equals_ignoring_case(name, *names))
			return true;
	return false;
}

const char *part_text(const struct xml_element *element, const char *name)
{
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (element_is(child, name))
			return child->text;
	return NULL;
}

void note_attributes(struct draft *draft, const struct xml_element *element,
		     const char *const *names)
{
	for (const struct xml_attribute *at = element->attributes; at; at = at->next)
		if (!name_is_any(at->name, names))
			draft_note(draft, "the attribute '%s' of <%s> is left out", at->name,
				   element->name);
}

void note_children(struct draft *draft, const struct xml_element *element, const char *whose,
		   const char *const *names)
{
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (!name_is_any(child->name, names))
			note_element(draft, child, whose);
}

void note_element(struct draft *draft, const struct xml_element *element, const char *whose)
{
	if (!*element->text && !element->attributes && !element->first_child)
		return;
	draft_note(draft, "<%s>%s%s is left out: mailconfd has nothing like it", element->name,
		   *whose ? " of " : "", whose);
}

static void read_domain(struct draft *draft, const struct xml_element *element)
{
	static const char *const attributes[] = { "purpose", NULL };
	const char *purpose = xml_attribute(element, "purpose");

	note_attributes(draft, element, attributes);
	if (purpose)
		draft_note(draft,
			   "the purpose '%s' of domain '%s' is left out: it is a domain like "
			   "the others",
			   purpose, element->text);
	draft_add_domain(draft, element->text);
}

static void read_provider(struct draft *draft, const struct xml_element *element)
{
	static const char *const attributes[] = { "id", NULL };
	static const char *const none[] = { NULL };

	note_attributes(draft, element, attributes);
	for (const struct xml_element *child = element->first_child; child; child = child->next) {
		if (element_is(child, "domain")) {
			read_domain(draft, child);
		} else if (element_is(child, "displayName") && *child->text) {
			note_attributes(draft, child, none);
			draft_set_display_name(draft, child->text);
		} else if (element_is(child, "displayShortName") && *child->text) {
			note_attributes(draft, child, none);
			draft_set_short_name(draft, child->text);
		} else if (!read_server(draft, child) && !read_page(draft, child)) {
			note_element(draft, child, "");
		}
	}
}

/* What stands beside the provider. */
static void read_rest(struct draft *draft, const struct xml_element *root,
		      const struct xml_element *provider)
{
	static const char *const attributes[] = { "version", NULL };
	static const char *const versions[] = { "1.0", "1.1", "1.2", NULL };
	const char *version = xml_attribute(root, "version");

	note_attributes(draft, root, attributes);
	if (version && !name_is_any(version, versions))
		draft_note(draft, "version '%s' of the document is read as if it were 1.2",
			   version);
	for (const struct xml_element *child = root->first_child; child; child = child->next)
		if (child != provider && !read_server(draft, child) && !read_page(draft, child))
			note_element(draft, child, "");
}

static const struct xml_element *find_provider(struct draft *draft, const struct xml_element *root,
					       struct error *err)
{
	if (!text_equals(root->name, "clientConfig")) {
		error_set(err, ERROR_INPUT,
			  "it is no autoconfig document: it begins with <%s> instead of "
			  "<clientConfig>",
			  root->name);
		return NULL;
	}
	for (const struct xml_element *child = root->first_child; child; child = child->next)
		if (element_is(child, "emailProvider"))
			return child;
	error_set(err, ERROR_INPUT, "it has no <emailProvider>");
	return NULL;
}

int autoconfig_read(struct arena *memory, const char *data, size_t size, struct draft *ret_draft,
		    struct error *err)
{
	const struct xml_element *root, *provider;
	struct draft draft;
	struct error none;
	const char *id;

	draft_init(&draft, memory);
	root = xml_parse_within(memory, data, size, &limits, err);
	if (!root)
		return -1;
	provider = find_provider(&draft, root, err);
	if (!provider)
		return -1;
	id = xml_attribute(provider, "id");
	if (id && text_check("provider name", id, PROVIDER_NAME_MAX_LENGTH, &none) == 0)
		draft.provider.name = id;
	read_provider(&draft, provider);
	read_rest(&draft, root, provider);
	draft_settle(&draft);
	if (draft.provider.n_services == 0)
		return error_set(err, ERROR_INPUT, "it has no service that mailconfd knows%s%s",
				 draft.notes.count ? "; " : "",
				 draft.notes.count ? draft.notes.items[0] : "");
	*ret_draft = draft;
	return 0;
}
