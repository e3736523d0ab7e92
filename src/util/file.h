#pragma once

/* Whole files in memory, and whole files out of it. */

#include <stddef.h>
#include <sys/types.h>

struct arena;
struct error;

/* Reads the file, which may have at most limit bytes. Returns its bytes, followed by a NUL that
 * is not counted, in memory; or NULL with err set, in which the path is named. */
char *file_read(struct arena *memory, const char *path, size_t limit, size_t *ret_size,
		struct error *err);

/* Replaces the file, or creates it, atomically: whoever opens it gets the old bytes or the new.
 * group is its group, (gid_t)-1 for that of the process. Returns 0, or -1 with err set, in which
 * the path is named. */
int file_replace(const char *path, mode_t mode, gid_t group, const char *data, size_t size,
		 struct error *err);

/* The parts of the above. Opens the directory of the file, and sets the name to the file's in it;
 * and creates a file of mode 0600 there, open for reading and writing. What they return lives in
 * memory. Return the descriptor, or -1 with errno set. */
int file_open_directory(struct arena *memory, const char *path, const char **ret_name);
int file_create_temporary(struct arena *memory, int directory, const char **ret_name);
