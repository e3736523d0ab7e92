#pragma once

/*
 * The table of domains as a CSV: domain,provider,alias_of,enabled,moved_to.
 */

#include <stddef.h>
#include <stdio.h>

#include "cli/import-report.h"

struct arena;
struct domain;
struct error;
struct input;

/* What the file says of a domain; NULL for what it does not say, "" for none. */
struct domain_line {
	unsigned long number;
	const char *name, *provider, *alias_of, *enabled, *moved_to;
};

struct domain_lines {
	struct arena *memory; /* for what the lines point to */
	struct report bad;    /* bad.name: the file's */
	struct domain_line *items;
	size_t count;
};

/* Reads all lines and sorts them by name, one of each; what is wrong with some goes to bad. Returns
 * 0, or -1 with err set where the file cannot be read. */
int domain_lines_read(struct domain_lines *lines, struct input *input, struct error *err);
void domain_lines_clear(struct domain_lines *lines);

/* Tells bad what is wrong with a line. */
void domain_lines_refuse(struct domain_lines *lines, unsigned long line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes domains as such a file. */
void domain_lines_write(FILE *stream, const struct domain *domains, size_t count);
