#pragma once

/*
 * Sorts any number of records in bounded memory: what does not fit is written as sorted runs into a
 * temporary file, and merged while it is read back. The file lies in $SQLITE_TMPDIR or $TMPDIR
 * (/var/tmp) and never has a name that could stay behind.
 *
 * Records are runs of bytes, at most SORTER_RECORD_MAX, in the order of memcmp(); of two that begin
 * alike the shorter one is first. Equal records keep no order.
 */

#include <stddef.h>

#include "util/cleanup.h"

struct error;
struct sorter;

#define SORTER_RECORD_MAX ((size_t)16 * 1024)
#define SORTER_MEMORY_MIN (256 * SORTER_RECORD_MAX)

enum { SORTER_END = 1 };

/* memory is what it may hold, in bytes. */
struct sorter *sorter_new(size_t memory);
void sorter_free(struct sorter *sorter);
DEFINE_CLEANUP(struct sorter *, sorter_free);

/* Adds a copy of the record. Returns 0, or -1 with err set. */
int sorter_add(struct sorter *sorter, const void *record, size_t size, struct error *err);

/* Gives the records in order; after the first call nothing can be added. What is given is good
 * until the next call. Returns 0, SORTER_END, or -1 with err set. */
int sorter_next(struct sorter *sorter, const char **ret_record, size_t *ret_size,
		struct error *err);

/* How many records were added. */
size_t sorter_count(const struct sorter *sorter);
