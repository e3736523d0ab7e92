#pragma once

/* What the import of a file has done, in figures. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin;
struct arguments;

struct tally {
	int64_t added, changed, removed, unchanged;
	size_t skipped; /* lines */
};

/* Reports it in a sentence, or as JSON in place of all other messages. what names one of them:
 * "user". The command has the option --dry-run. */
void tally_say(struct admin *admin, const struct arguments *arguments, const struct tally *tally,
	       const char *what);
