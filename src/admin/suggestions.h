#pragma once

/* Did you mean: names in the database that are similar to a missing one. */

#include "store/store.h"
#include "util/base.h"

struct admin;

/* Return the name, in the command's memory, or NULL where none is similar. Limited to as many names
 * as can be compared without a noticeable delay. */
const char *similar_name(struct admin *admin, enum store_names names, const char *name);
const char *similar_user(struct admin *admin, const char *address);

/* Sets the hint of an error about a missing row: the similar name, or where that is NULL, what else
 * to do. Returns -1. */
int hint_similar(struct error *err, const char *similar, const char *otherwise);
