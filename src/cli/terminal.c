#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define WIDTH_MAX 10000
#define ELLIPSIS "\342\200\246"

const char *terminal_colour(FILE *stream, enum colour colour)
{
	static const char *const sequences[] = {
		[COLOUR_NONE] = "\033[0m",     [COLOUR_HEADING] = "\033[1m",
		[COLOUR_NOTE] = "\033[36m",    [COLOUR_WARNING] = "\033[33m",
		[COLOUR_ERROR] = "\033[1;31m",
	};
	const char *unwanted = getenv("NO_COLOR"), *kind = getenv("TERM");

	return isatty(fileno(stream)) && (!unwanted || !*unwanted) && kind &&
			       !text_equals(kind, "dumb")
		       ? sequences[colour]
		       : "";
}

size_t terminal_width(FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long width;

	if (!isatty(fileno(stream)))
		return 0;
	if (columns && number_parse(columns, 1, WIDTH_MAX, &width))
		return width;
	return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* The character that begins here: its length in bytes, and its cells. */
static size_t character_at(const char *text, size_t *ret_cells)
{
	uint32_t character;
	size_t length;
	int cells;

	*ret_cells = 1;
	if (*text >= ' ' && *text < 0x7f)
		return 1;
	length = utf8_decode(text, SIZE_MAX, &character);
	cells = length ? wcwidth((wchar_t)character) : 1;
	*ret_cells = cells < 0 ? 1 : (size_t)cells;
	return length ? length : 1;
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
