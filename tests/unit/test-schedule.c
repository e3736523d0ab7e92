#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "acme/schedule.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define HOUR ((time_t)60 * 60)
#define DAY (24 * HOUR)

struct remembered {
	char *directory;
	struct arena memory;
};

static int set_up(void **state)
{
	struct remembered *remembered = xnew(struct remembered);

	remembered->directory = directory_new();
	*state = remembered;
	return 0;
}

static int tear_down(void **state)
{
	struct remembered *remembered = *state;

	directory_free(remembered->directory);
	arena_clear(&remembered->memory);
	free(remembered);
	return 0;
}

static const char *file_of_failure(struct remembered *remembered)
{
	return directory_path(&remembered->memory, remembered->directory, "failed-example.org");
}

/* As if the last failure had been at this time. */
static void set_time(struct remembered *remembered, time_t at)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = at } };

	assert_int_equal(utimensat(AT_FDCWD, file_of_failure(remembered), times, 0), 0);
}

static time_t time_of(struct remembered *remembered)
{
	struct stat status;

	assert_int_equal(stat(file_of_failure(remembered), &status), 0);
	return status.st_mtime;
}

static time_t until(const struct remembered *remembered)
{
	return backoff_until(remembered->directory, "example.org");
}

static void test_pauses_double_up_to_a_week(void **state)
{
	static const time_t pauses[] = {
		HOUR / 4,  HOUR / 2,  HOUR,	 2 * HOUR,   4 * HOUR, 8 * HOUR,
		16 * HOUR, 32 * HOUR, 64 * HOUR, 128 * HOUR, 7 * DAY,  7 * DAY,
	};
	struct remembered *remembered = *state;
	const time_t at = time(NULL) - HOUR;

	assert_int_equal(until(remembered), 0);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		backoff_note_failure(remembered->directory, "example.org");
		set_time(remembered, at);
		assert_int_equal(until(remembered), at + pauses[i]);
	}
	backoff_forget(remembered->directory, "example.org");
	assert_int_equal(until(remembered), 0);
}

/* The dns-hook of a wildcard certificate can fail for ever. */
static void test_a_wildcard_pauses_too(void **state)
{
	struct remembered *remembered = *state;

	backoff_note_failure(remembered->directory, "*.example.org");
	assert_true(backoff_until(remembered->directory, "*.example.org") > time(NULL));
	assert_int_equal(until(remembered), 0);
	assert_int_equal(backoff_until(remembered->directory, "*.../example.org"), 0);
}

/* The clock was wrong when the request failed. The new time is written to the file, so that the
 * pause does not start again with every call. */
static void test_a_time_in_the_future_counts_as_now(void **state)
{
	struct remembered *remembered = *state;
	const time_t before = time(NULL);
	time_t noticed;

	backoff_note_failure(remembered->directory, "example.org");
	set_time(remembered, before + 3650 * DAY);
	noticed = until(remembered) - HOUR / 4;
	assert_in_range(noticed, before, time(NULL));
	assert_int_equal(time_of(remembered), noticed);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pauses_double_up_to_a_week),
		TEST(test_a_wildcard_pauses_too),
		TEST(test_a_time_in_the_future_counts_as_now),
	};

	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
