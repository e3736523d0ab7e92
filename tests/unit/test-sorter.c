#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/error.h"
#include "util/sorter.h"

#define RECORDS 600000

/* A number in each, so that what comes back can be told; long ones now and then. */
static size_t make(char *record, unsigned number, unsigned salt)
{
	size_t size = (size_t)sprintf(record, "%08x", number * salt);

	if (number % 997 == 0) {
		memset(record + size, 'x', SORTER_RECORD_MAX - size);
		size = SORTER_RECORD_MAX;
	}
	memcpy(record + size - (number % 997 ? 0 : 4), "\0end", 4);
	return size + (number % 997 ? 4 : 0);
}

/* Odd salts make each number another one; 1 leaves them in order. */
static void sort(unsigned salt, unsigned count)
{
	_cleanup_(sorter_freep) struct sorter *sorter = sorter_new(SORTER_MEMORY_MIN);
	static char record[SORTER_RECORD_MAX], last[SORTER_RECORD_MAX];
	size_t last_size = 0, size, seen = 0;
	unsigned long long sum = 0, wanted = 0;
	struct error err = { 0 };
	const char *next;
	int r;

	for (unsigned i = 0; i < count; i++) {
		size = make(record, i, salt);
		wanted += i * salt;
		if (sorter_add(sorter, record, size, &err) < 0)
			fail_msg("%s", err.text);
	}
	assert_int_equal(sorter_count(sorter), count);
	while ((r = sorter_next(sorter, &next, &size, &err)) == 0) {
		int order = memcmp(last, next, last_size < size ? last_size : size);

		assert_true(seen == 0 || order < 0 || (order == 0 && last_size <= size));
		memcpy(last, next, size);
		last_size = size;
		sum += strtoul(last, NULL, 16);
		seen++;
	}
	assert_int_equal(r, SORTER_END);
	assert_int_equal(seen, count);
	assert_true(sum == wanted);
	assert_int_equal(sorter_next(sorter, &next, &size, &err), SORTER_END);
}

static void test_nothing(void **state)
{
	sort(1, 0);
}

static void test_in_memory(void **state)
{
	sort(1, 500);
	sort(2654435761U, 500);
}

static void test_in_runs(void **state)
{
	sort(1, RECORDS);
	sort(2654435761U, RECORDS);
}

static void test_equal_records(void **state)
{
	sort(0, RECORDS / 4);
}

static void test_no_directory(void **state)
{
	_cleanup_(sorter_freep) struct sorter *sorter = sorter_new(SORTER_MEMORY_MIN);
	static char record[SORTER_RECORD_MAX];
	struct error err = { 0 };
	int r = 0;

	assert_int_equal(setenv("SQLITE_TMPDIR", "/missing/directory", 1), 0);
	for (int i = 0; i < 1000 && r == 0; i++)
		r = sorter_add(sorter, record, sizeof(record), &err);
	assert_int_equal(unsetenv("SQLITE_TMPDIR"), 0);
	check_error(
		"no directory", &err, ERROR_SYSTEM,
		"cannot use a temporary file in '/missing/directory': No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	     cmocka_unit_test(test_in_memory),
		cmocka_unit_test(test_in_runs),	     cmocka_unit_test(test_equal_records),
		cmocka_unit_test(test_no_directory),
	};

	return cmocka_run_group_tests_name("sorter", tests, NULL, NULL);
}
