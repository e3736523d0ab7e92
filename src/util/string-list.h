#pragma once

/* A growing list of texts in an arena. */

#include "util/base.h"

struct texts {
	struct arena *memory;
	const char **items;
	size_t count, room;
};

#define TEXTS_IN(arena) ((struct texts){ .memory = (arena) })

/* Adds the text itself, not a copy. */
void texts_add(struct texts *texts, const char *text);

bool texts_has(const struct texts *texts, const char *text);

/* Sorts texts, none of them NULL, by their bytes, and keeps each once. Returns how many are left.
 */
size_t texts_sort(const char **items, size_t count);

/* Whether sorted texts have it. */
bool texts_find(const char *const *items, size_t count, const char *text);
