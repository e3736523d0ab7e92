#pragma once

/* Did you mean: names of the database that are like one that is not there. */

struct admin;

/* Return the name, in the command's memory, or NULL where none is like it. Of many names only so
 * many are looked at as take no time that a person would notice. */
const char *similar_provider(struct admin *admin, const char *name);
const char *similar_domain(struct admin *admin, const char *name);
const char *similar_user(struct admin *admin, const char *address);
