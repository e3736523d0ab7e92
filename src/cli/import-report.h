#pragma once

/* What is wrong with the lines of a file: the first of them are kept and the others counted. */

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"

struct error;

#define REPORT_LINES_MAX 100

struct report_line {
	unsigned long line;
	char *text;
};

struct report {
	const char *name; /* of the file */
	struct report_line lines[REPORT_LINES_MAX];
	size_t kept, count;
};

/* Adds a line; of more than fit those with the highest numbers go. The text is copied. */
void report_add(struct report *report, unsigned long line, const char *text);
void report_clear(struct report *report);

/* Prints the lines in order, "FILE:LINE: TEXT", then how many more there are ("more" of what), as
 * errors or as warnings. */
void report_print(struct report *report, const char *prefix, const char *more, bool as_warnings);

/* Prints the lines, which are bad, and sets err to how many there are: nothing is imported. Returns
 * -1. */
int report_refuse(struct report *report, struct error *err);
