#pragma once

/*
 * Sorts any number of records in bounded memory: what does not fit is written as sorted runs into a
 * temporary file, and merged while it is read back. The file lies in $SQLITE_TMPDIR or $TMPDIR
 * (/var/tmp) and never has a name that could stay behind.
 *
 * Records are at most SORTER_RECORD_MAX bytes, in the order of memcmp(); a prefix of another record
 * comes first. The order of equal records is undefined.
 */

#include "util/base.h"

struct sorter;

#define SORTER_RECORD_MAX ((size_t)16 * 1024)
#define SORTER_MEMORY_MIN (256 * SORTER_RECORD_MAX)

enum { SORTER_END = 1 };

/* memory is the limit in bytes. */
struct sorter *sorter_new(size_t memory);
void sorter_free(struct sorter *sorter);
DEFINE_CLEANUP(struct sorter *, sorter_free);

/* Adds a copy of the record. Returns 0, or -1 with err set. */
int sorter_add(struct sorter *sorter, const void *record, size_t size, struct error *err);

/* Returns the records in order, each valid until the next call. After the first call none can be
 * added. Returns 0, SORTER_END, or -1 with err set. */
int sorter_next(struct sorter *sorter, const char **ret_record, size_t *ret_size,
		struct error *err);

/* How many records were added. */
size_t sorter_count(const struct sorter *sorter);
