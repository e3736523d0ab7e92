#pragma once

/*
 * Memory of one lifetime: what belongs to one request, or to one command of the admin tool, is
 * allocated here, never freed by hand, and gone at once with arena_clear().
 *
 * Out of memory ends the process: a server that cannot get a few kilobytes can do nothing better
 * than be restarted by its supervisor. Sanitizer builds (ARENA_EACH_MALLOC) make every allocation a
 * malloc of its own, so that overruns still show.
 */

#include <stdarg.h>
#include <stddef.h>

#include "util/cleanup.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *next;		    /* free room in the newest block */
	size_t left;
	size_t block_size; /* of blocks to come; 0 for what suits a request */
};

#define ARENA_NULL ((struct arena){ 0 })

/* Returns size bytes, zeroed and aligned for any type. size may be 0. */
void *arena_alloc(struct arena *arena, size_t size)
	__attribute__((returns_nonnull, alloc_size(2), malloc));

/* The array of count elements of the type, zeroed. */
#define arena_array(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))
#define arena_new(arena, type) arena_array((arena), type, 1)
void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
	__attribute__((returns_nonnull));

/* A copy of the array of count elements, each of that size. */
void *arena_copy(struct arena *arena, const void *array, size_t count, size_t size)
	__attribute__((returns_nonnull));

/* A copy of the text; of its first length bytes, to which a NUL is added. */
char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *arena, const char *text, size_t length)
	__attribute__((returns_nonnull));

char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((returns_nonnull, nonnull(2), format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((returns_nonnull, nonnull(2), format(printf, 2, 0)));

/* Frees all of it; the arena can be used again. */
void arena_clear(struct arena *arena);

/* The same, for what held secrets: all of it is overwritten first. */
void arena_wipe(struct arena *arena);

/* As malloc and strdup, but end the process when there is no memory. Freed with free(). */
void *xcalloc(size_t count, size_t size) __attribute__((returns_nonnull));
void *xrealloc(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((returns_nonnull));
#define xnew(type) ((type *)xcalloc(1, sizeof(type)))
