#pragma once

/*
 * The output of the tool: entries, which are JSON objects whose keys are the long option names with
 * underscores, and lists of them; for people as lines and columns, escaped by text_escape().
 */

#include <jansson.h>

#include "util/base.h"

struct list;
struct option;

/* Whether any JSON has gone to standard output. */
bool entry_has_printed_json(void);

/* Puts a value into an object; a text of NULL is left out. */
void entry_put(json_t *entry, const char *key, json_t *value);
void entry_put_text(json_t *entry, const char *key, const char *text);

/* An object of texts: entry_of_texts("address", address, "login", login). A text that is NULL is
 * left out. */
json_t *entry_of_pairs(const char *const *pairs);
#define entry_of_texts(...) entry_of_pairs((const char *const[]){ __VA_ARGS__, NULL })

/* A string. JSON cannot hold invalid UTF-8, which only an invalid row has: it is escaped. */
json_t *json_text(const char *text);

/* Adds an item to an array. */
void array_add(json_t *array, json_t *item);
json_t *array_of_texts(const char *const *texts, size_t count);

/* Puts the attributes of a table into an object, but those that are unset. */
void entry_put_attributes(json_t *entry, const struct option *table, const void *row);

/* Prints one entry, and releases it. */
void entry_print(json_t *entry, bool as_json);

/* An entry as JSON that begins with a member of any number of texts: they are printed as they come,
 * then the other members, of which there is one at least, and which are released. */
struct text_member {
	bool has_texts;
};
void text_member_begin(struct text_member *member, const char *key);
void text_member_add(struct text_member *member, const char *text);
void text_member_end(struct text_member *member, json_t *others);

/*
 * A list that may have millions of entries: they are printed soon after they are added. Columns
 * are keys of the entries, "address login"; they are as wide as the widest of the first thousand
 * entries needs, and wider from there on where it must be. On a terminal they are as wide as fits
 * into its lines, and what does not fit is cut, with an ellipsis.
 */
struct list *list_new(const char *columns, bool as_json);
void list_add(struct list *list, json_t *entry); /* takes the entry */

/* Prints the rest. Where there was no entry and somebody watches, says so: "there are no users". */
void list_end(struct list *list, const char *nothing);
void list_free(struct list *list);
DEFINE_CLEANUP(struct list *, list_free);
