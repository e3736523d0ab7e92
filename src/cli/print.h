#pragma once

/*
 * What the tool prints: entries as JSON objects, whose keys are the long option names with
 * underscores; for people lists of them as columns. Nothing that a terminal would obey goes out,
 * whatever the database holds.
 */

#include <jansson.h>

#include "util/base.h"

struct list;
struct option;

/* The text with control characters written as \u001b, and bytes that are not UTF-8 as \xff. */
const char *text_escape(struct arena *memory, const char *text);

/* From here on, nothing is printed but errors and what was asked for. */
void print_quietly(void);
bool print_is_quiet(void);

/* To standard error: "mailconfctl: TEXT", "mailconfctl: warning: TEXT"; where there is a hint,
 * which may be NULL or "", it follows on a line of its own: "hint: HINT". */
void error_print(const char *text, const char *hint);
void warning_print(const char *text, const char *hint);

/* Whether any JSON has gone to standard output. */
bool print_has_begun_json(void);

/* Puts a value into an object; NULL is left out. */
void entry_put(json_t *entry, const char *key, json_t *value);
void entry_put_text(json_t *entry, const char *key, const char *text);
void entry_put_truth(json_t *entry, const char *key, bool is_true);

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
 * are keys of the entries, up to NULL; they are as wide as the widest of the first thousand
 * entries needs, and wider from there on where it must be. On a terminal they are as wide as fits
 * into its lines, and what does not fit is cut, with an ellipsis.
 */
struct list *list_new(const char *const *columns, bool as_json);
void list_add(struct list *list, json_t *entry); /* takes the entry */

/* Prints the rest. Where there was no entry and somebody watches, says so: "there are no users". */
void list_end(struct list *list, const char *nothing);
void list_free(struct list *list);
DEFINE_CLEANUP(struct list *, list_free);
