/* Work in a child process, for a program that stays root. */

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/fixture.h"
#include "util/account.h"
#include "util/base.h"

static char *run(struct arena *memory, account_work work, void *context, size_t limit, size_t *size,
		 struct error *err)
{
	const struct account own = { .name = "own", .uid = geteuid(), .gid = getegid() };
	char *text = account_run(memory, &own, work, context, limit, size, err);

	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
	return text;
}

static int write_text(FILE *output, void *text, struct error *err)
{
	return fputs(text, output) < 0 ? error_set(err, ERROR_SYSTEM, "cannot write") : 0;
}

static int fail_with_hint(FILE *output, void *text, struct error *err)
{
	error_set(err, ERROR_SYSTEM, "%s is wrong", (char *)text);
	return error_hint(err, "change it");
}

static int open_fifo(FILE *output, void *path, struct error *err)
{
	return open(path, O_RDONLY | O_CLOEXEC) < 0 ? error_set(err, ERROR_SYSTEM, "cannot open")
						    : 0;
}

static int close_and_wait(FILE *output, void *context, struct error *err)
{
	for (int fd = 0; fd < 20; fd++)
		close(fd);
	return pause();
}

static int die(FILE *output, void *context, struct error *err)
{
	return raise(SIGKILL);
}

static void test_output_is_returned(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err;
	size_t size;

	assert_string_equal(run(&memory, write_text, (char *)"text", 4, &size, &err), "text");
	assert_int_equal(size, 4);
}

static void test_failures_are_reported(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err;
	size_t size;

	assert_null(run(&memory, fail_with_hint, (char *)"this", 9, &size, &err));
	assert_string_equal(err.text, "this is wrong");
	assert_string_equal(err.hint, "change it");
	assert_null(run(&memory, write_text, (char *)"text", 3, &size, &err));
	assert_string_equal(err.text,
			    "the process that reads as user 'own' sent more than 3 bytes");
	assert_null(run(&memory, die, NULL, 9, &size, &err));
	assert_string_equal(err.text,
			    "the process that reads as user 'own' ended before it was done");
}

static void test_a_child_that_hangs_is_killed(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *directory = directory_new();
	char *fifo = arena_printf(&memory, "%s/fifo", directory);
	struct error err;
	size_t size;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	account_run_patience = 1000;
	assert_null(run(&memory, open_fifo, fifo, 9, &size, &err));
	assert_string_equal(err.text,
			    "the process that reads as user 'own' did not end within 1 seconds");
	assert_null(run(&memory, close_and_wait, NULL, 9, &size, &err));
	directory_free(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_is_returned),
		cmocka_unit_test(test_failures_are_reported),
		cmocka_unit_test(test_a_child_that_hangs_is_killed),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
