#pragma once

/* The lines of a settings file, as plain text without their comments. */

#include <stdio.h>

struct arena;
struct error;

/* With its comment. Whatever has a longer line is not a settings file. */
#define LINE_MAX_LENGTH 4096

struct lines {
	struct arena *memory;
	FILE *stream;
	unsigned number; /* of the line read last, from 1 */
};

enum { LINES_END = 1 };

/*
 * Reads one line, which may end in CR LF and, being the first, begin with a byte order mark. The
 * text comes without its comment (from a ';' or '#' that begins the line, from a ';' after a
 * blank) and without blanks around it: "" for a line that says nothing. Returns 0, LINES_END, or
 * -1 with err set where the line is not plain text in UTF-8 or cannot be read.
 */
int lines_next(struct lines *lines, const char **ret_text, struct error *err);
