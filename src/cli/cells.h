#pragma once

/* Text on a terminal, measured in its cells: East Asian characters take two, those that combine
 * with the one before none. */

#include <stddef.h>

struct arena;

size_t cells_of(const char *text);

/* The text, or as much of its beginning as fits into so many cells (at least one) with an ellipsis
 * at its end. In memory, or the text itself. */
const char *cells_cut(struct arena *memory, const char *text, size_t cells);
