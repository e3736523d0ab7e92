#pragma once

/* Files: read into memory, written from it, read piece by piece, temporary. */

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

/*
 * A file that gets its name only once it is complete: it is written under another name in the same
 * directory, readable for its owner alone, and a file of that name remains until then.
 *
 * A program that gives up root's rights between opening and committing calls output_keep_rights()
 * before: a child process keeps them, and only gives or removes the name.
 */
struct output {
	const char *path;
	const char *name, *temporary; /* in the directory */
	int directory, fd;
	bool may_replace;
	pid_t keeper;	 /* the child, 0 for none */
	int keeper_link; /* a socket to it */
};

#define OUTPUT_NULL ((struct output){ .directory = -1, .fd = -1, .keeper_link = -1 })

/* Creates the file. An existing file of its name is an error unless it may be replaced (--force).
 * Borrows path; the other names are in memory. Returns 0 or -1 with err set. */
int output_open(struct arena *memory, const char *path, bool may_replace, struct output *ret_output,
		struct error *err);

/* Returns 0 or -1 with err set. */
int output_keep_rights(struct output *output, struct error *err);

/* Gives the file its name, safe from a loss of power. Returns 0 or -1 with err set. */
int output_commit(struct output *output, struct error *err);

/* Removes the file unless it was committed. */
void output_close(struct output *output);

/* A file in the directory for reading and writing, without a name that could be left behind.
 * Returns the descriptor, or -1 with errno set. */
int file_open_unnamed(const char *directory);

/* Opens such a file for data that does not fit into memory, in the directory $SQLITE_TMPDIR or
 * $TMPDIR (default: /var/tmp). Returns NULL with err set if that fails. */
FILE *temporary_file_open(struct error *err);

/* Sets err to the failure in errno of using it. Returns -1. */
int temporary_file_fail(struct error *err);

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
