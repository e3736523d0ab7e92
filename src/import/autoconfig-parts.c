#include "import/autoconfig-parts.h"

#include "import/provider-draft.h"
#include "protocol/xml.h"

bool element_is(const struct xml_element *element, const char *name)
{
	return text_equals_ignoring_case(element->name, name);
}

const char *part_text(const struct xml_element *element, const char *name)
{
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (element_is(child, name))
			return child->text;
	return NULL;
}

bool is_word_of(const char *name, const char *words)
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

void note_attributes(struct draft *draft, const struct xml_element *element, const char *known)
{
	for (const struct xml_attribute *at = element->attributes; at; at = at->next)
		if (!is_word_of(at->name, known))
			draft_note(draft, "the attribute '%s' of <%s> is left out", at->name,
				   element->name);
}

void note_children(struct draft *draft, const struct xml_element *element, const char *owner,
		   const char *known)
{
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (!is_word_of(child->name, known))
			note_element(draft, child, owner);
}

void note_element(struct draft *draft, const struct xml_element *element, const char *owner)
{
	if (!*element->text && !element->attributes && !element->first_child)
		return;
	draft_note(draft, "<%s>%s%s is left out: mailconfd has no equivalent", element->name,
		   *owner ? " of " : "", owner);
}
