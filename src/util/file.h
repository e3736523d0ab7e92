#pragma once

/* Whole files: read into memory, written from it, or read piece by piece. */

#include <sys/types.h>

#include "util/base.h"

/* Reads the file, which may have at most limit bytes. Returns its bytes, followed by a NUL that
 * is not counted, in memory; or NULL with err set, in which the path is named. */
char *file_read(struct arena *memory, const char *path, size_t limit, size_t *ret_size,
		struct error *err);

/* Replaces the file, or creates it, atomically: a reader gets the old bytes or the new.
 * group is its group, (gid_t)-1 for that of the process. Returns 0, or -1 with err set, in which
 * the path is named. */
int file_replace(const char *path, mode_t mode, gid_t group, const char *data, size_t size,
		 struct error *err);

/* The parts of the above. Opens the directory of the file, and sets the name to the file's in it;
 * and creates a file of mode 0600 there, open for reading and writing. What they return lives in
 * memory. Return the descriptor, or -1 with errno set. */
int file_open_directory(struct arena *memory, const char *path, const char **ret_name);
int file_create_temporary(struct arena *memory, int directory, const char **ret_name);

/* A file of any kind, or "-", the standard input, that is read once from beginning to end. */
struct input {
	const char *name; /* for messages: the path as given, or "standard input" */
	int fd;
	long long size;	    /* in bytes, 0 if unknown */
	long long position; /* how many were read */
};

#define INPUT_NULL ((struct input){ .fd = -1 })

/* Returns 0, or -1 with err set. The name borrows from path. */
int input_open(const char *path, struct input *ret_input, struct error *err);
void input_close(struct input *input);

/* Reads up to room bytes. Returns 0 with how many, 0 of them at the end, or -1 with err set. */
int input_read(struct input *input, char *buffer, size_t room, size_t *ret_size, struct error *err);

/* Reads all of it, followed by a NUL that is not counted. The caller frees it. NULL with err set.
 */
char *input_read_all(struct input *input, size_t *ret_size, struct error *err);
