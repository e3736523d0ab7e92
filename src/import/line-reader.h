#pragma once

/* Reads lines from a file of any size in bounded memory, and reports bad ones. */

#include "util/base.h"

struct input;

/* The longest line. */
#define SOURCE_LINE_MAX ((size_t)64 * 1024)

/* Gets a bad line with the reason. Reading continues. */
typedef void (*bad_line)(unsigned long line, const char *reason, void *context);

struct source {
	struct input *input;
	bad_line bad;
	void *context;
	unsigned long line; /* of the line read last, from 1 */
	char *buffer;
	size_t at, filled;
	bool has_ended;
};

enum { SOURCE_END = 1 };

/* Borrows the input. */
void source_init(struct source *source, struct input *input, bad_line bad, void *context);
void source_clear(struct source *source);

/*
 * Reads the next line, without its end (LF or CR LF) and, at the beginning of the file, without a
 * byte order mark. It ends in a NUL that is not counted, may be changed, and is valid until the
 * next call. Lines that are too long or contain a NUL are reported and skipped. Returns 0,
 * SOURCE_END, or -1 with err set.
 */
int source_line(struct source *source, char **ret_line, size_t *ret_size, struct error *err);

void source_bad(struct source *source, unsigned long line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
