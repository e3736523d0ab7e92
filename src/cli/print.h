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

/* Whether standard error is a terminal, and may get more than errors. */
bool print_is_watched(void);

/* To standard error: "mailconfctl: TEXT", "mailconfctl: warning: TEXT"; where there is a hint,
 * which may be NULL or "", it follows on a line of its own: "hint: HINT". */
void error_print(const char *text, const char *hint);
void warning_print(const char *text, const char *hint);

/* Whether any JSON has gone to standard output. */
bool print_has_begun_json(void);

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

/* A progress bar on standard error, if somebody watches. */
struct progress {
	const char *doing; /* "reading" */
	long long whole;   /* the final value of done, 0 if unknown */
	int64_t next;	   /* when it is drawn again */
	bool is_shown, is_drawn;
};

void progress_begin(struct progress *progress, const char *doing, long long whole);

/* Redraws it, at most ten times a second. */
void progress_at(struct progress *progress, long long done);

/* Clears the line. */
void progress_end(struct progress *progress);
