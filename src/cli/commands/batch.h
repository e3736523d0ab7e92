#pragma once

/* Commands in a text, run one after the other. */

#include "util/base.h"

struct admin;
struct arguments;

/*
 * Runs the commands of the text, all of which change something, within the transaction that has
 * begun already. arguments are those of the command whose input file the text is from. Returns 0
 * with the number of commands, or -1 with err set ("FILE:LINE: ..."); the caller then rolls back.
 */
int batch_run(struct admin *admin, const struct arguments *arguments, const char *text, size_t size,
	      size_t *ret_count, struct error *err);
