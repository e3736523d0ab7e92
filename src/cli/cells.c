#include "cli/cells.h"

#include <string.h>
#include <wchar.h>

#include "util/arena.h"

#define ELLIPSIS "\342\200\246"

/* The character that begins here: its length in bytes, and its cells. */
static size_t character_at(const char *text, size_t *ret_cells)
{
	mbstate_t state = { 0 };
	wchar_t character = 0;
	size_t length;
	int cells = 1;

	*ret_cells = 1;
	if (*text >= ' ' && *text < 0x7f)
		return 1;
	length = mbrtowc(&character, text, strlen(text), &state);
	if (length == 0 || length > strlen(text))
		return 1;
	cells = wcwidth(character);
	*ret_cells = cells < 0 ? 1 : (size_t)cells;
	return length;
}

/* How many bytes of the text fit, with all that combines with the last character. */
static size_t length_within(const char *text, size_t cells)
{
	const char *at = text;
	size_t used = 0, width;

	while (*at) {
		size_t length = character_at(at, &width);

		if (used + width > cells)
			break;
		used += width;
		at += length;
	}
	return (size_t)(at - text);
}

size_t cells_of(const char *text)
{
	size_t cells = 0, width;

	while (*text) {
		text += character_at(text, &width);
		cells += width;
	}
	return cells;
}

const char *cells_cut(struct arena *memory, const char *text, size_t cells)
{
	if (!text[length_within(text, cells)])
		return text;
	return arena_printf(memory, "%.*s" ELLIPSIS, (int)length_within(text, cells - 1), text);
}
