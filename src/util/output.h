#pragma once

/*
 * A file that has its name only once it is whole: it is written under another name beside it, for
 * its owner alone to read, and a file of that name stays until then.
 */

#include <stdbool.h>

struct arena;
struct error;

struct output {
	const char *path;
	char *temporary; /* where it is written */
	int fd;
	bool may_replace;
};

#define OUTPUT_NULL ((struct output){ .fd = -1 })

/* Makes the file. What is there under its name is refused, unless it is a file that may be replaced
 * (--force). Borrows path; the other name is in memory. Returns 0 or -1 with err set. */
int output_open(struct arena *memory, const char *path, bool may_replace, struct output *ret_output,
		struct error *err);

/* Gives it its name, safe from a loss of power. Returns 0 or -1 with err set. */
int output_commit(struct output *output, struct error *err);

/* Removes it unless it was committed. */
void output_close(struct output *output);
