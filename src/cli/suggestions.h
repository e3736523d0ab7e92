#pragma once

/* Did you mean: names of the database that are like one that is not there. */

struct cli;

/* Return the name, in the command's memory, or NULL where none is like it. Of many names only so
 * many are looked at as take no time that a person would notice. */
const char *similar_provider(struct cli *cli, const char *name);
const char *similar_domain(struct cli *cli, const char *name);
const char *similar_user(struct cli *cli, const char *address);
