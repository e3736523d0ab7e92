#pragma once

/* A file that is read once, from its beginning to its end: a file of any kind, or "-", the standard
 * input. */

#include <stddef.h>

struct arena;
struct error;

struct input {
	const char *name; /* for messages: the path as given, or "standard input" */
	int fd;
	long long size;	    /* in bytes, 0 where nobody can tell */
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
