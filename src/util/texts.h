#pragma once

/* A growing list of texts in an arena. */

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct texts {
	struct arena *memory;
	const char **items;
	size_t count, room;
};

#define TEXTS_IN(arena) ((struct texts){ .memory = (arena) })

/* Adds the text itself, not a copy. */
void texts_add(struct texts *texts, const char *text);

bool texts_has(const struct texts *texts, const char *text);
