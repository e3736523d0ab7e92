#include "util/string-list.h"

#define FIRST_ROOM 8

void texts_add(struct texts *texts, const char *text)
{
	if (texts->count == texts->room) {
		size_t room = texts->room ? texts->room * 2 : FIRST_ROOM;
		const char **items = arena_array(texts->memory, const char *, room);

		if (texts->count)
			memcpy(items, texts->items, texts->count * sizeof(*items));
		texts->items = items;
		texts->room = room;
	}
	texts->items[texts->count++] = text;
}

bool texts_has(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (text_equals(texts->items[i], text))
			return true;
	return false;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t texts_sort(const char **items, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(items, count, sizeof(*items), compare_texts);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !text_equals(items[i], items[kept - 1]))
			items[kept++] = items[i];
	return kept;
}

bool texts_find(const char *const *items, size_t count, const char *text)
{
	return count > 0 && bsearch(&text, items, count, sizeof(*items), compare_texts);
}
