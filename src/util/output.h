#pragma once

/*
 * A file that gets its name only once it is complete: it is written under another name in the same
 * directory, readable for its owner alone, and a file of that name remains until then.
 *
 * A program that gives up root's rights between opening and committing calls output_keep_rights()
 * before: a child process keeps them, and only gives or removes the name.
 */

#include <sys/types.h>

#include "util/base.h"

struct output {
	const char *path;
	const char *name, *temporary; /* in the directory */
	int directory, fd;
	bool may_replace;
	pid_t keeper;	 /* the child, 0 for none */
	int keeper_link; /* a socket to it */
};

#define OUTPUT_NULL ((struct output){ .directory = -1, .fd = -1, .keeper_link = -1 })

/* Creates the file. An existing file of its name is an error unless it may be replaced (--force).
 * Borrows path; the other names are in memory. Returns 0 or -1 with err set. */
int output_open(struct arena *memory, const char *path, bool may_replace, struct output *ret_output,
		struct error *err);

/* Returns 0 or -1 with err set. */
int output_keep_rights(struct output *output, struct error *err);

/* Gives the file its name, safe from a loss of power. Returns 0 or -1 with err set. */
int output_commit(struct output *output, struct error *err);

/* Removes the file unless it was committed. */
void output_close(struct output *output);
