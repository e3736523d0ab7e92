#include "util/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request with its answer fits into one block: measured, an Outlook answer takes 5 KiB. */
#define BLOCK_SIZE ((size_t)16 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

/* What most formats come to; longer ones are formatted twice. */
#define FORMATTED_LENGTH ((size_t)256)

struct arena_block {
	struct arena_block *older;
	size_t size; /* of the data */
	_Alignas(max_align_t) char data[];
};

static void out_of_memory(void) __attribute__((noreturn));

static void out_of_memory(void)
{
	fputs("<2>out of memory\n", stderr);
	abort();
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *xrealloc(void *memory, size_t count, size_t size)
{
	memory = reallocarray(memory, count ? count : 1, size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

char *xstrdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		out_of_memory();
	return copy;
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		out_of_memory();
	block = malloc(sizeof(*block) + size);
	if (!block)
		out_of_memory();
	block->older = arena->blocks;
	block->size = size;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	char *memory;

	if (rounded < size)
		out_of_memory();
#ifdef ARENA_EACH_MALLOC
	return memset(block_new(arena, size)->data, 0, size);
#endif
	if (rounded > arena->left || !arena->next) {
		size_t usual = arena->block_size ? arena->block_size : BLOCK_SIZE;
		size_t room = rounded > usual ? rounded : usual;

		arena->next = block_new(arena, room)->data;
		arena->left = room;
	}
	memory = arena->next;
	arena->next += rounded;
	arena->left -= rounded;
	return memset(memory, 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory();
	return arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *array, size_t count, size_t size)
{
	void *copy = arena_alloc_array(arena, count, size);

	if (count)
		memcpy(copy, array, count * size);
	return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length)
		memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	char first[FORMATTED_LENGTH], *text;
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(first, sizeof(first), format, again);
	va_end(again);
	if (length < 0)
		out_of_memory();
	text = arena_alloc(arena, (size_t)length + 1);
	if ((size_t)length < sizeof(first))
		memcpy(text, first, (size_t)length + 1);
	else
		vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

void arena_clear(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->older;
		free(block);
	}
	*arena = ARENA_NULL;
}

void arena_wipe(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks; block; block = block->older)
		explicit_bzero(block->data, block->size);
	arena_clear(arena);
}
