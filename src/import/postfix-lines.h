#pragma once

/*
 * The syntax that Postfix's tables and aliases(5) have in common: lines that are empty or begin
 * with '#' are passed over, and a line that begins with a blank goes on with the one before.
 */

#include <stddef.h>

#include "import/line-reader.h"

struct postfix {
	struct source *source;
	unsigned long line; /* where the entry read last begins */
	char *entry, *next; /* of this line, and what was read too far */
	size_t size, room, next_size, next_room;
	unsigned long next_line;
};

enum { POSTFIX_END = 1 };

void postfix_init(struct postfix *postfix, struct source *source);
void postfix_clear(struct postfix *postfix);

/* Reads an entry with its continuation. It may be changed, and is good until the next call. Returns
 * 0, POSTFIX_END, or -1 with err set. */
int postfix_next(struct postfix *postfix, char **ret_entry, struct error *err);
