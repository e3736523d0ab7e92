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

/* Puts a file with these bytes in the place of what is there, if anything: whoever opens it gets
 * the old or the new, whole. The directory is opened as directory_open() does. group is its group,
 * (gid_t)-1 for that of the process. Returns 0, or -1 with err set, in which the path is named. */
int file_replace(const char *path, mode_t mode, gid_t group, const char *data, size_t size,
		 struct error *err);

/* Removes it, if it is there, from the same directory. */
void file_remove(const char *path);
