#pragma once

/* Which rows decided what a client gets. */

struct bytes;
struct cli;
struct error;
struct response;

/* Adds a line for each thing that decided, with its end. Returns 0, or -1 with err set. */
int explain(struct cli *cli, const struct response *response, struct bytes *lines,
	    struct error *err);
