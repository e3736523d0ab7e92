/*
 * External merge sort. Records are added from the beginning of one block of memory, each after its
 * size, and their offsets from its end. When the two meet, the offsets are sorted and the records
 * are written to a file as a run. For merging, the block is divided into read buffers of the runs.
 *
 * Neighbours in a run share most of their beginning. So the file has, for each record, how many
 * bytes it shares with the previous one, how many follow, and those.
 */

#include "util/sorter.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/error.h"
#include "util/temporary-file.h"

#define WRITE_SIZE ((size_t)256 * 1024)
#define READ_SIZE_MIN (4 * SORTER_RECORD_MAX)

_Static_assert(SORTER_RECORD_MAX <= UINT16_MAX, "sizes of records fit into struct share");

typedef uint32_t offset;
typedef uint32_t length;

/* What stands before a record in the file. */
struct share {
	uint16_t shared, own;
};

struct run {
	off_t next, end; /* of the file, what is not read yet */
	char *buffer;
	size_t room, at, filled;
	char *record; /* in which the part that is shared stays */
	size_t size;
};

struct sorter {
	char *memory;
	size_t room, used;
	size_t n_offsets; /* the last is the lowest in memory */
	bool is_ordered;  /* what was added since the last run came in order */
	size_t last;	  /* the offset of the record added last */
	size_t count;
	int file;
	off_t written;
	struct run *runs;
	size_t n_runs;
	size_t *heap; /* of runs that have a record, the first of which is the lowest */
	size_t n_heap;
	bool is_merging, has_given;
};

struct sorter *sorter_new(size_t memory)
{
	struct sorter *sorter = xnew(struct sorter);

	assert(memory >= SORTER_MEMORY_MIN && memory <= UINT32_MAX);
	sorter->room = memory & ~(sizeof(offset) - 1);
	sorter->memory = xrealloc(NULL, sorter->room, 1);
	sorter->is_ordered = true;
	sorter->file = -1;
	return sorter;
}

void sorter_free(struct sorter *sorter)
{
	if (!sorter)
		return;
	closep(&sorter->file);
	free(sorter->memory);
	free(sorter->runs);
	free(sorter->heap);
	free(sorter);
}

size_t sorter_count(const struct sorter *sorter)
{
	return sorter->count;
}

static length length_at(const char *place)
{
	length size;

	memcpy(&size, place, sizeof(size));
	return size;
}

static int compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
	int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_offsets(const void *a, const void *b, void *memory)
{
	const char *left = (const char *)memory + *(const offset *)a;
	const char *right = (const char *)memory + *(const offset *)b;

	return compare_bytes(left + sizeof(length), length_at(left), right + sizeof(length),
			     length_at(right));
}

static offset *lowest_offset(struct sorter *sorter)
{
	return (offset *)(void *)(sorter->memory + sorter->room) - sorter->n_offsets;
}

/* Reverses the offsets into the order of adding, and sorts them unless that is in order. */
static void sort_offsets(struct sorter *sorter)
{
	offset *offsets = lowest_offset(sorter);
	size_t count = sorter->n_offsets;

	for (size_t i = 0; i < count / 2; i++) {
		offset taken = offsets[i];

		offsets[i] = offsets[count - 1 - i];
		offsets[count - 1 - i] = taken;
	}
	if (!sorter->is_ordered)
		qsort_r(offsets, count, sizeof(*offsets), compare_offsets, sorter->memory);
}

static int write_all(struct sorter *sorter, const char *data, size_t size, struct error *err)
{
	while (size > 0) {
		ssize_t written = write(sorter->file, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return temporary_file_fail(err);
		data += written;
		size -= (size_t)written;
		sorter->written += written;
	}
	return 0;
}

static size_t shared_size(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t most = a_size < b_size ? a_size : b_size, shared = 0;

	while (shared < most && a[shared] == b[shared])
		shared++;
	return shared;
}

static int write_records(struct sorter *sorter, struct error *err)
{
	_cleanup_(freep) char *buffer = xrealloc(NULL, WRITE_SIZE, 1);
	const offset *offsets = lowest_offset(sorter);
	const char *before = "";
	size_t before_size = 0, filled = 0;

	for (size_t i = 0; i < sorter->n_offsets; i++) {
		const char *record = sorter->memory + offsets[i] + sizeof(length);
		size_t size = length_at(sorter->memory + offsets[i]);
		size_t shared = shared_size(before, before_size, record, size);
		const struct share share = {
			.shared = (uint16_t)shared,
			.own = (uint16_t)(size - shared),
		};

		if (filled + sizeof(share) + share.own > WRITE_SIZE) {
			if (write_all(sorter, buffer, filled, err) < 0)
				return -1;
			filled = 0;
		}
		memcpy(buffer + filled, &share, sizeof(share));
		memcpy(buffer + filled + sizeof(share), record + shared, share.own);
		filled += sizeof(share) + share.own;
		before = record;
		before_size = size;
	}
	return write_all(sorter, buffer, filled, err);
}

static int write_run(struct sorter *sorter, struct error *err)
{
	struct run run = { .next = sorter->written };

	if (sorter->file < 0) {
		sorter->file = temporary_file_open(err);
		if (sorter->file < 0)
			return -1;
	}
	sort_offsets(sorter);
	if (write_records(sorter, err) < 0)
		return -1;
	run.end = sorter->written;
	sorter->runs = xrealloc(sorter->runs, sorter->n_runs + 1, sizeof(run));
	sorter->runs[sorter->n_runs++] = run;
	sorter->used = 0;
	sorter->n_offsets = 0;
	sorter->is_ordered = true;
	return 0;
}

int sorter_add(struct sorter *sorter, const void *record, size_t size, struct error *err)
{
	size_t needed = sizeof(length) + size + (sorter->n_offsets + 1) * sizeof(offset);
	length prefix = (length)size;
	char *place;

	assert(size <= SORTER_RECORD_MAX && !sorter->is_merging);
	if (sorter->used + needed > sorter->room && write_run(sorter, err) < 0)
		return -1;
	place = sorter->memory + sorter->used;
	memcpy(place, &prefix, sizeof(prefix));
	memcpy(place + sizeof(prefix), record, size);
	if (sorter->is_ordered && sorter->n_offsets > 0) {
		const char *last = sorter->memory + sorter->last;

		sorter->is_ordered = compare_bytes(last + sizeof(length), length_at(last), record,
						   size) <= 0;
	}
	sorter->last = sorter->used;
	sorter->used += sizeof(prefix) + size;
	sorter->n_offsets++;
	*lowest_offset(sorter) = (offset)sorter->last;
	sorter->count++;
	return 0;
}

static int fill_buffer(struct sorter *sorter, struct run *run, struct error *err)
{
	size_t rest = run->filled - run->at, wanted = run->room - rest;

	memmove(run->buffer, run->buffer + run->at, rest);
	run->at = 0;
	run->filled = rest;
	if ((off_t)wanted > run->end - run->next)
		wanted = (size_t)(run->end - run->next);
	while (wanted > 0) {
		ssize_t got = pread(sorter->file, run->buffer + run->filled, wanted, run->next);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return temporary_file_fail(err);
		run->filled += (size_t)got;
		run->next += got;
		wanted -= (size_t)got;
	}
	return 0;
}

/* Moves on to the run's next record. Returns 0, SORTER_END, or -1 with err set. */
static int run_next(struct sorter *sorter, struct run *run, struct error *err)
{
	struct share share;

	if (run->next < run->end && run->filled - run->at < sizeof(share) + SORTER_RECORD_MAX &&
	    fill_buffer(sorter, run, err) < 0)
		return -1;
	if (run->at == run->filled)
		return SORTER_END;
	memcpy(&share, run->buffer + run->at, sizeof(share));
	memcpy(run->record + share.shared, run->buffer + run->at + sizeof(share), share.own);
	run->size = (size_t)share.shared + share.own;
	run->at += sizeof(share) + share.own;
	return 0;
}

static bool is_lower(const struct sorter *sorter, size_t a, size_t b)
{
	const struct run *left = &sorter->runs[sorter->heap[a]];
	const struct run *right = &sorter->runs[sorter->heap[b]];

	return compare_bytes(left->record, left->size, right->record, right->size) < 0;
}

static void sift_down(struct sorter *sorter, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1, taken;

		if (child >= sorter->n_heap)
			return;
		if (child + 1 < sorter->n_heap && is_lower(sorter, child + 1, child))
			child++;
		if (!is_lower(sorter, child, at))
			return;
		taken = sorter->heap[at];
		sorter->heap[at] = sorter->heap[child];
		sorter->heap[child] = taken;
		at = child;
	}
}

/* Gives the run its part of the memory: its record, then what is read of the file. */
static int begin_run(struct sorter *sorter, size_t number, struct error *err)
{
	struct run *run = &sorter->runs[number];
	size_t room = sorter->room / sorter->n_runs;

	if (room < SORTER_RECORD_MAX + READ_SIZE_MIN)
		return error_set(err, ERROR_SYSTEM, "cannot sort so many rows in %zu MiB",
				 sorter->room >> 20);
	run->record = sorter->memory + number * room;
	run->buffer = run->record + SORTER_RECORD_MAX;
	run->room = room - SORTER_RECORD_MAX;
	return run_next(sorter, run, err);
}

static int begin_merge(struct sorter *sorter, struct error *err)
{
	if (sorter->n_offsets > 0 && write_run(sorter, err) < 0)
		return -1;
	sorter->heap = xcalloc(sorter->n_runs, sizeof(*sorter->heap));
	for (size_t i = 0; i < sorter->n_runs; i++) {
		if (begin_run(sorter, i, err) < 0)
			return -1;
		sorter->heap[sorter->n_heap++] = i;
	}
	for (size_t i = sorter->n_heap; i > 0; i--)
		sift_down(sorter, i - 1);
	return 0;
}

static int next_in_memory(struct sorter *sorter, const char **ret_record, size_t *ret_size)
{
	const char *record;

	if (sorter->n_offsets == 0)
		return SORTER_END;
	/* They stand in order now: the lowest in memory is the next. */
	record = sorter->memory + *lowest_offset(sorter);
	sorter->n_offsets--;
	*ret_record = record + sizeof(length);
	*ret_size = length_at(record);
	return 0;
}

static int next_of_runs(struct sorter *sorter, const char **ret_record, size_t *ret_size,
			struct error *err)
{
	struct run *run;

	if (sorter->has_given) {
		int r = run_next(sorter, &sorter->runs[sorter->heap[0]], err);

		if (r < 0)
			return -1;
		if (r == SORTER_END)
			sorter->heap[0] = sorter->heap[--sorter->n_heap];
		sift_down(sorter, 0);
	}
	sorter->has_given = sorter->n_heap > 0;
	if (!sorter->has_given)
		return SORTER_END;
	run = &sorter->runs[sorter->heap[0]];
	*ret_record = run->record;
	*ret_size = run->size;
	return 0;
}

int sorter_next(struct sorter *sorter, const char **ret_record, size_t *ret_size, struct error *err)
{
	if (!sorter->is_merging) {
		sorter->is_merging = true;
		if (sorter->n_runs == 0)
			sort_offsets(sorter);
		else if (begin_merge(sorter, err) < 0)
			return -1;
	}
	return sorter->n_runs == 0 ? next_in_memory(sorter, ret_record, ret_size)
				   : next_of_runs(sorter, ret_record, ret_size, err);
}
