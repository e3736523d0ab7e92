#pragma once

/* Did you mean: whether a word is another one mistyped. */

#include <stddef.h>

#define SIMILAR_NEVER ((size_t)-1)

/*
 * How many letters of the name were added, left out, replaced or swapped with a neighbour to get
 * the typed word; upper and lower case do not count. SIMILAR_NEVER above two mistakes (above one
 * where the name has less than four letters), for then it was hardly meant.
 */
size_t similar_mistakes(const char *typed, const char *name);
