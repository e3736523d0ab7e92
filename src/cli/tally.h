#pragma once

/* What the import of a file has done, in figures. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli;

struct tally {
	int64_t added, changed, removed, unchanged;
	size_t skipped; /* lines */
};

/* Says it in a sentence, or as JSON in place of all else that was to be said. what names one of
 * them: "user". */
void tally_say(struct cli *cli, const struct tally *tally, const char *what, bool is_dry);
