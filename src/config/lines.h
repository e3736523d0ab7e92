#pragma once

/* The lines of a settings file, as plain text without their comments. */

#include "util/base.h"

/* With its comment. Whatever has a longer line is not a settings file. */
#define LINE_MAX_LENGTH 4096

struct lines {
	struct arena *memory;
	FILE *stream;
	unsigned number; /* of the line read last, from 1 */
	bool is_over;	 /* after an error: nothing more can be read */
};

enum { LINES_END = 1 };

/*
 * Reads one line, which may end in CR LF; the first may begin with a byte order mark. The text
 * comes without its comment (from a ';' or '#' that begins the line, from a ';' after whitespace)
 * and without whitespace around it. Returns 0, LINES_END, or -1 with err set if the line is not
 * plain text in UTF-8 or cannot be read.
 */
int lines_next(struct lines *lines, const char **ret_text, struct error *err);
