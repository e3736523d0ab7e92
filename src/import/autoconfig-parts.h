#pragma once

/* Elements of an autoconfig document. Names are compared without letter case, because documents
 * that are written by hand differ in it. What cannot be imported is noted. */

#include "util/base.h"

struct draft;
struct xml_element;

bool element_is(const struct xml_element *element, const char *name);

/* The text of the first child of the name, or NULL. */
const char *part_text(const struct xml_element *element, const char *name);

/* Notes the attributes that are not known: "id version". */
void note_attributes(struct draft *draft, const struct xml_element *element, const char *known);

/* Notes the children that are not known. owner: what they belong to. */
void note_children(struct draft *draft, const struct xml_element *element, const char *owner,
		   const char *known);

/* Notes an element that is not imported, unless it is empty. owner: as before, or "". */
void note_element(struct draft *draft, const struct xml_element *element, const char *owner);

/* Whether the name is one of the words, which have single spaces between them. */
bool is_word_of(const char *name, const char *words);
