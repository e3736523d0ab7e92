#pragma once

/* What the import of a file reports: invalid or skipped lines, and what became of the rows. */

#include "store/bulk.h"
#include "util/base.h"

struct admin;
struct arguments;

#define REPORT_LINES_MAX 100

struct report_line {
	unsigned long line;
	char *text, *hint; /* hint may be NULL */
};

/* The first lines are kept, and all are counted. */
struct report {
	const char *name; /* of the file */
	struct report_line lines[REPORT_LINES_MAX];
	size_t kept, count;
};

void report_clear(struct report *report);

/* Adds a line with a text, or with the text and the hint of an error. */
void report_add(struct report *report, unsigned long line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_add_error(struct report *report, unsigned long line, const struct error *err);

/* The same for a reader of lines (import/line-reader.h). */
void report_note(unsigned long line, const char *reason, void *report);

/* Prints warnings, "FILE:LINE: skipped: TEXT" by line, then how many more there are. */
void report_warn_of_skipped(struct report *report);

/* Prints the lines as errors, "FILE:LINE: TEXT" by line, then how many more there are. Returns -1
 * with err set: nothing is imported. */
int report_refuse(struct report *report, struct error *err);

/* Reports counts of rows, each of them one 'what' ("user"), and of skipped lines: in a sentence, or
 * as JSON in place of all other messages. The command has the option --dry-run. */
void report_counts(struct admin *admin, const struct arguments *arguments, const char *what,
		   const struct row_counts *counts, size_t skipped);
