#pragma once

/* Commands in a text, run one after the other. */

#include <stddef.h>

struct cli;
struct error;

/*
 * Runs the commands of the text, all of which change something, within the transaction that is
 * begun already. name says in messages whose lines they are. Returns 0 with how many there were, or
 * -1 with err set ("NAME:LINE: ..."); what was changed until then the caller takes back.
 */
int batch_run(struct cli *cli, const char *name, const char *text, size_t size, size_t *ret_count,
	      struct error *err);
