/*
 * External merge sort. Records are added from the beginning of one block of memory, each after its
 * size, and their offsets from its end. When the two meet, the offsets are sorted and the records
 * are written to a file as a run.
 *
 * Neighbours in a run share most of their beginning. So the file has, for each record, how many
 * bytes it shares with the previous one, how many follow, and those.
 */

#include "util/sorter.h"

#include <assert.h>

#include "util/file.h"

#define BUFFER_SIZE ((size_t)256 * 1024)

_Static_assert(SORTER_RECORD_MAX <= UINT16_MAX, "sizes of records fit into 16 bits");

typedef uint32_t offset;
typedef uint16_t length;

struct run {
	FILE *file;
	char buffer[BUFFER_SIZE];	/* the file's */
	char record[SORTER_RECORD_MAX]; /* the current one */
	size_t size;
};

struct sorter {
	char *memory; /* until runs are merged */
	size_t room, used;
	size_t n_offsets;
	bool is_ordered; /* the records in memory were added in order */
	size_t count;
	struct run **runs; /* a heap while they are merged: the first has the lowest record */
	size_t n_runs;
	bool is_reading;
	size_t n_read; /* of the records in memory */
};

struct sorter *sorter_new(size_t memory)
{
	struct sorter *sorter = xnew(struct sorter);

	assert(memory >= SORTER_MEMORY_MIN && memory <= UINT32_MAX);
	sorter->room = memory & ~(sizeof(offset) - 1);
	sorter->memory = xrealloc(NULL, sorter->room, 1);
	sorter->is_ordered = true;
	return sorter;
}

static void run_free(struct run *run)
{
	if (run->file)
		(void)fclose(run->file); /* its errors were seen when it was flushed and read */
	free(run);
}
DEFINE_CLEANUP(struct run *, run_free);

void sorter_free(struct sorter *sorter)
{
	if (!sorter)
		return;
	for (size_t i = 0; i < sorter->n_runs; i++)
		run_free(sorter->runs[i]);
	free(sorter->runs);
	free(sorter->memory);
	free(sorter);
}

size_t sorter_count(const struct sorter *sorter)
{
	return sorter->count;
}

static int compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
	int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return order ? order : (a_size > b_size) - (a_size < b_size);
}

static const char *record_at(const char *memory, offset at, size_t *ret_size)
{
	length size;

	memcpy(&size, memory + at, sizeof(size));
	*ret_size = size;
	return memory + at + sizeof(size);
}

/* The offset of the record added last has the lowest address. */
static offset *last_offset(struct sorter *sorter)
{
	return (offset *)(void *)(sorter->memory + sorter->room) - sorter->n_offsets;
}

/* Record 0 was added first, or is the lowest once they are sorted. */
static const char *record_in_memory(struct sorter *sorter, size_t number, size_t *ret_size)
{
	return record_at(sorter->memory, last_offset(sorter)[sorter->n_offsets - 1 - number],
			 ret_size);
}

static int compare_offsets(const void *a, const void *b, void *memory)
{
	size_t a_size, b_size;
	const char *left = record_at(memory, *(const offset *)a, &a_size);
	const char *right = record_at(memory, *(const offset *)b, &b_size);

	return compare_bytes(right, b_size, left, a_size); /* the lowest record comes last */
}

static void sort_records(struct sorter *sorter)
{
	if (!sorter->is_ordered)
		qsort_r(last_offset(sorter), sorter->n_offsets, sizeof(offset), compare_offsets,
			sorter->memory);
}

/* Numbers are written byte by byte, because that is inlined. */
static void write_number(FILE *file, size_t number)
{
	putc_unlocked((int)(number & 0xff), file);
	putc_unlocked((int)(number >> 8), file);
}

static size_t read_number(FILE *file)
{
	int low = getc_unlocked(file), high = getc_unlocked(file);

	return high == EOF ? 0 : (size_t)(high << 8 | low);
}

static int write_run(struct sorter *sorter, struct error *err)
{
	_cleanup_(run_freep) struct run *run = xnew(struct run);
	size_t last_size = 0, size;
	const char *last = "";

	run->file = temporary_file_open(err);
	if (!run->file)
		return -1;
	(void)setvbuf(run->file, run->buffer, _IOFBF, sizeof(run->buffer));
	sort_records(sorter);
	for (size_t i = 0; i < sorter->n_offsets; i++) {
		const char *record = record_in_memory(sorter, i, &size);
		size_t most = size < last_size ? size : last_size, shared = 0;

		while (shared < most && last[shared] == record[shared])
			shared++;
		write_number(run->file, shared);
		write_number(run->file, size - shared);
		fwrite_unlocked(record + shared, 1, size - shared, run->file);
		last = record;
		last_size = size;
	}
	if (fflush(run->file) != 0 || ferror(run->file))
		return temporary_file_fail(err);
	rewind(run->file);
	sorter->runs = xrealloc(sorter->runs, sorter->n_runs + 1, sizeof(struct run *));
	sorter->runs[sorter->n_runs++] = TAKE(run);
	sorter->used = 0;
	sorter->n_offsets = 0;
	sorter->is_ordered = true;
	return 0;
}

int sorter_add(struct sorter *sorter, const void *record, size_t size, struct error *err)
{
	size_t needed = sizeof(length) + size + (sorter->n_offsets + 1) * sizeof(offset);
	length prefix = (length)size;

	assert(size <= SORTER_RECORD_MAX && !sorter->is_reading);
	if (sorter->used + needed > sorter->room && write_run(sorter, err) < 0)
		return -1;
	if (sorter->is_ordered && sorter->n_offsets > 0) {
		size_t last_size;
		const char *last = record_in_memory(sorter, sorter->n_offsets - 1, &last_size);

		sorter->is_ordered = compare_bytes(last, last_size, record, size) <= 0;
	}
	sorter->n_offsets++;
	*last_offset(sorter) = (offset)sorter->used;
	memcpy(sorter->memory + sorter->used, &prefix, sizeof(prefix));
	memcpy(sorter->memory + sorter->used + sizeof(prefix), record, size);
	sorter->used += sizeof(prefix) + size;
	sorter->count++;
	return 0;
}

/* Moves to the next record. Returns 0, SORTER_END, or -1 with err set. */
static int read_record(struct run *run, struct error *err)
{
	size_t shared = read_number(run->file), own = read_number(run->file);

	if (fread_unlocked(run->record + shared, 1, own, run->file) == own && !feof(run->file)) {
		run->size = shared + own;
		return 0;
	}
	return ferror(run->file) ? temporary_file_fail(err) : SORTER_END;
}

static bool is_lower(const struct run *a, const struct run *b)
{
	return compare_bytes(a->record, a->size, b->record, b->size) < 0;
}

static void sift_down(struct sorter *sorter, size_t at)
{
	struct run **runs = sorter->runs, *run = runs[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < sorter->n_runs && is_lower(runs[child + 1], runs[child]))
			child++;
		if (child >= sorter->n_runs || !is_lower(runs[child], run))
			break;
		runs[at] = runs[child];
		at = child;
	}
	runs[at] = run;
}

static int begin_merge(struct sorter *sorter, struct error *err)
{
	if (write_run(sorter, err) < 0)
		return -1;
	free(sorter->memory);
	sorter->memory = NULL;
	for (size_t i = 0; i < sorter->n_runs; i++)
		if (read_record(sorter->runs[i], err) != 0)
			return -1;
	for (size_t i = sorter->n_runs; i > 0; i--)
		sift_down(sorter, i - 1);
	return 0;
}

int sorter_next(struct sorter *sorter, const char **ret_record, size_t *ret_size, struct error *err)
{
	bool is_first = !sorter->is_reading;
	int r = 0;

	sorter->is_reading = true;
	if (is_first && sorter->n_runs == 0) {
		sort_records(sorter);
	} else if (is_first) {
		r = begin_merge(sorter, err);
	} else if (sorter->n_runs > 0) {
		/* The lowest record was returned: the next one of its run takes its place. */
		r = read_record(sorter->runs[0], err);
		if (r == SORTER_END) {
			run_free(sorter->runs[0]);
			sorter->runs[0] = sorter->runs[--sorter->n_runs];
		}
		if (r >= 0 && sorter->n_runs > 0)
			sift_down(sorter, 0);
	}
	if (r < 0)
		return -1;
	if (sorter->n_runs > 0) {
		*ret_record = sorter->runs[0]->record;
		*ret_size = sorter->runs[0]->size;
		return 0;
	}
	if (sorter->n_read == sorter->n_offsets)
		return SORTER_END;
	*ret_record = record_in_memory(sorter, sorter->n_read++, ret_size);
	return 0;
}
