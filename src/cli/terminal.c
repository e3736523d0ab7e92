#include "cli/terminal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/bytes.h"

#define WIDTH_MAX 10000

static bool has_colours(FILE *stream)
{
	const char *unwanted = getenv("NO_COLOR"), *kind = getenv("TERM");

	return isatty(fileno(stream)) && (!unwanted || !*unwanted) && kind &&
	       !text_equals(kind, "dumb");
}

const char *terminal_colour(FILE *stream, enum colour colour)
{
	static const char *const sequences[] = {
		[COLOUR_NONE] = "\033[0m",     [COLOUR_HEADING] = "\033[1m",
		[COLOUR_NOTE] = "\033[36m",    [COLOUR_WARNING] = "\033[33m",
		[COLOUR_ERROR] = "\033[1;31m",
	};

	return has_colours(stream) ? sequences[colour] : "";
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
