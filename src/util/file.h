#pragma once

/* Whole files in memory. */

#include <stddef.h>

struct arena;
struct error;

/* Reads the file, which may have at most limit bytes. Returns its bytes, followed by a NUL that
 * is not counted, in memory; or NULL with err set, in which the path is named. */
char *file_read(struct arena *memory, const char *path, size_t limit, size_t *ret_size,
		struct error *err);
