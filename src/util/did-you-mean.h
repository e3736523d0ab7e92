#pragma once

/* Did you mean: whether a word is another one mistyped. */

#include "util/base.h"

#define SIMILAR_NEVER ((size_t)-1)

/*
 * How many letters of the name were added, left out, replaced or swapped with a neighbour to get
 * the typed word; upper and lower case do not count. SIMILAR_NEVER above two mistakes (above one
 * where the name has less than four letters), for then it was hardly meant.
 */
size_t similar_mistakes(const char *typed, const char *name);

/*
 * The candidate that is most like the word, if any is; the first of equals.
 *
 *     struct nearest nearest = NEAREST_TO(word);
 *     nearest_try(&nearest, "list"); ...
 *     if (nearest.found) ...
 */
struct nearest {
	const char *word, *found;
	size_t mistakes;
};

#define NEAREST_TO(typed) ((struct nearest){ .word = (typed), .mistakes = SIMILAR_NEVER })

void nearest_try(struct nearest *nearest, const char *candidate);
