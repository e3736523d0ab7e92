#pragma once

/*
 * Comma-separated values with a header (RFC 4180):
 *
 *     address,login,name
 *     first.last@example.org,a4711,"Last, ""First"""
 *
 * Columns come in any order; a field in quotes may hold commas, quotes (doubled) and ends of lines;
 * lines end in LF or CR LF. Empty lines are skipped.
 */

#include "import/line-reader.h"
#include "util/base.h"

#define CSV_COLUMNS_MAX 8

struct csv_column {
	const char *name;
	bool is_required; /* in the header */
};

struct csv {
	struct source *source;
	const struct csv_column *columns;
	size_t n_columns;
	size_t order[CSV_COLUMNS_MAX]; /* of the file's fields: which column each is */
	size_t n_fields;
	unsigned long line; /* where the record read last begins */
	char *record;	    /* one that has several lines */
	size_t room;
};

enum { CSV_END = 1 };

/* Reads the header. Returns 0; CSV_END where it is missing or invalid, which is reported as a bad
 * line; or -1 with err set. */
int csv_begin(struct csv *csv, struct source *source, const struct csv_column *columns,
	      size_t n_columns, struct error *err);
void csv_clear(struct csv *csv);

/* Reads a record: the values of all columns, NULL for those that the file does not have. They are
 * valid until the next call. Invalid records are reported as bad lines and skipped. Returns 0,
 * CSV_END, or -1 with err set. */
int csv_next(struct csv *csv, const char **values, struct error *err);

/* Writes a record, with quotes where a field needs them; NULL is an empty field. */
void csv_write_record(FILE *stream, const char *const *fields, size_t count);

/* Writes the header, of all columns. */
void csv_write_header(FILE *stream, const struct csv_column *columns, size_t count);
