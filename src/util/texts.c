#include "util/texts.h"

#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"

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
