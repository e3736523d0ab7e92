#pragma once

/* What the tool prints on may be a terminal, with a width and colours; a pipe has neither. */

#include "util/base.h"

enum colour {
	COLOUR_NONE,
	COLOUR_HEADING,
	COLOUR_NOTE,
	COLOUR_WARNING,
	COLOUR_ERROR,
};

/* What changes the colour on this stream, and COLOUR_NONE back: "" if it is not a terminal, or
 * where NO_COLOR is set (https://no-color.org), or where TERM is "dumb". */
const char *terminal_colour(FILE *stream, enum colour colour);

/* How many cells a line has: what COLUMNS says, else the terminal; 0 for no bound. */
size_t terminal_width(FILE *stream);

/* The width of a text in cells: East Asian characters take two, combining characters none. */
size_t cells_of(const char *text);

/* The text, or as much of its beginning as fits into so many cells (at least one) with an ellipsis
 * at its end. In memory, or the text itself. */
const char *cells_cut(struct arena *memory, const char *text, size_t cells);
