#pragma once

/* Running the statements of statements.c, and reading the rows that they give. */

#include <sqlite3.h>

#include "store/statements.h"
#include "util/base.h"

struct option;
struct store;

/* A parameter of a statement. Texts and blobs must outlive the statement's use. */
struct sql_value {
	enum { VALUE_END, VALUE_TEXT, VALUE_NUMBER, VALUE_BLOB } type;
	const void *data;
	int64_t number; /* or the size of data, -1 for a whole text */
	bool is_copied; /* before the statement moves or changes what it is borrowed from */
};

/* The parameters in their order, from ?1 on: VALUES(TEXT(name), NUMBER(id)). Those that a statement
 * lacks are ignored. */
#define VALUES(...) ((const struct sql_value[]){ __VA_ARGS__, { .type = VALUE_END } })
#define TEXT(text) ((struct sql_value){ VALUE_TEXT, (text), -1, false }) /* NULL binds NULL */
#define TEXT_COPY(text) ((struct sql_value){ VALUE_TEXT, (text), -1, true })
#define TEXT_PART(text, length) ((struct sql_value){ VALUE_TEXT, (text), (int64_t)(length), false })
#define NUMBER(n) ((struct sql_value){ VALUE_NUMBER, NULL, (int64_t)(n), false })
#define NUMBER_OR_NULL(is_set, n) ((is_set) ? NUMBER(n) : TEXT(NULL))
#define BLOB(bytes) ((struct sql_value){ VALUE_BLOB, (bytes), sizeof(bytes), false })

/*
 * A statement in use, and the row that it stands on. It is reset when it goes out of scope, so that
 * it never holds a lock for longer.
 *
 * All columns are read through it: each reading checks NULL, the type, the length and the range.
 * The first column that is invalid is remembered, and what is read of it has a value that can be
 * used; row_check() reports it at the end.
 *
 *     _cleanup_(row_close) struct row row;
 *     int r = row_find(store, memory, FIND_USERS, VALUES(TEXT(domain)), &row, err);
 *
 *     if (r == 0)
 *             *ret_login = row_text(&row, 2);
 *     return r == 0 ? row_check(&row, err) : r;
 */
struct row {
	struct store *store;
	struct arena *memory;
	sqlite3_stmt *query;
	enum statement statement;
	int invalid;	    /* the first invalid column, -1 for none */
	const char *reason; /* "is NULL" */
};

/* Texts are copied to memory; where that is NULL they are the statement's, until its next step.
 * Returns 0, STORE_BUSY, or -1 with err set; row_close() is safe in any case. */
int row_open(struct store *store, struct arena *memory, enum statement statement,
	     const struct sql_value *values, struct row *ret_row, struct error *err);
void row_close(struct row *row);

/* Steps to the next row. Returns 0, STORE_NOT_FOUND at the end, STORE_BUSY, or -1 with err set. */
int row_next(struct row *row, struct error *err);

/* Both: the first row of the statement. */
int row_find(struct store *store, struct arena *memory, enum statement statement,
	     const struct sql_value *values, struct row *ret_row, struct error *err);

/* A text without NUL characters; "" where the column is invalid. */
const char *row_text(struct row *row, int column);
const char *row_text_or_null(struct row *row, int column);

/* Between low and high; low where the column is invalid. NULL stands for the number null. */
int64_t row_integer(struct row *row, int column, int64_t low, int64_t high);
int64_t row_integer_or_null(struct row *row, int column, int64_t low, int64_t high, int64_t null);

/* 0 or 1. */
bool row_truth(struct row *row, int column);

/* One of the words in "documentation|enable": its index. */
unsigned row_choice(struct row *row, int column, const char *words);

/* The attributes in a table of options, into the members of a struct; the first one is in this
 * column. Returns the column after the last. */
int row_attributes(struct row *row, int column, const struct option *options, void *ret_row);

/* The members as values, in the order of row_attributes(), with a VALUE_END after them. Returns the
 * place of that. Texts are borrowed. */
struct sql_value *attribute_values(const struct option *options, const void *row,
				   struct sql_value *ret_values);
#define ATTRIBUTES_MAX 32

/* Copies a blob, which must be of exactly this size. */
void row_blob(struct row *row, int column, void *ret_bytes, size_t size);

/* Returns 0, or -1 with err set to ERROR_ROW: which row is invalid, why, and the remedy. */
int row_check(const struct row *row, struct error *err);

/* The same within a list. Also: ROW_SKIPPED, where store_skip_invalid_rows() was called. */
enum { ROW_SKIPPED = 1 };
int row_check_in_list(const struct row *row, struct error *err);

/* Reads all valid rows of a statement into an array of elements of the size, which read fills in,
 * in memory. Returns 0, STORE_BUSY, or -1 with err set. */
int store_list(struct store *store, struct arena *memory, enum statement statement,
	       const struct sql_value *values, size_t size,
	       void (*read)(struct row *row, void *item), void **ret_items, size_t *ret_count,
	       struct error *err);

/* Runs a statement that gives no rows. Returns 0, STORE_EXISTS (a unique name is taken),
 * STORE_BUSY, or -1 with err set. */
int store_run(struct store *store, enum statement statement, const struct sql_value *values,
	      struct error *err);

/* The same for a change of a row, which is the last that it makes. Also: STORE_NOT_FOUND. */
int store_run_on_row(struct store *store, enum statement statement, const struct sql_value *values,
		     struct error *err);

/* Reads one number that is 0 or more, 0 where there is no row. Returns 0, STORE_BUSY, or -1 with
 * err set. */
int store_read_number(struct store *store, enum statement statement, const struct sql_value *values,
		      int64_t *ret_number, struct error *err);
int store_read_truth(struct store *store, enum statement statement, const struct sql_value *values,
		     bool *ret_truth, struct error *err);
