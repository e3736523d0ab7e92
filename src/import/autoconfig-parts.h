#pragma once

/* What the files share that read an autoconfig document. Names are compared without letter case,
 * for those who write documents by hand do not agree with each other. */

#include <stdbool.h>

struct draft;
struct xml_element;

bool element_is(const struct xml_element *element, const char *name);

/* Whether the name is one of these; names ends with NULL. */
bool name_is_any(const char *name, const char *const *names);

/* The text of the first child of that name, in any letter case, or NULL. */
const char *part_text(const struct xml_element *element, const char *name);

/* Notes the attributes that are none of these, for what they say is not held. */
void note_attributes(struct draft *draft, const struct xml_element *element,
		     const char *const *names);

/* Notes the children that are none of these; whose is the thing that they belong to. */
void note_children(struct draft *draft, const struct xml_element *element, const char *whose,
		   const char *const *names);

/* Notes an element that nothing is made of; whose is the thing that it belongs to, or "". One that
 * says nothing is no loss. */
void note_element(struct draft *draft, const struct xml_element *element, const char *whose);

/* Reads a server of whatever kind into the draft. Returns whether the element is one. */
bool read_server(struct draft *draft, const struct xml_element *element);

/* Reads a link, who issues tokens, and where web mail is. Returns whether the element is one of
 * these. */
bool read_page(struct draft *draft, const struct xml_element *element);
