#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/unix-socket.h"

struct place {
	struct arena memory;
	char *directory;
	const char *path;
};

static int begin(void **state)
{
	struct place *place = xnew(struct place);

	place->directory = directory_new();
	place->path = directory_path(&place->memory, place->directory, "socket");
	*state = place;
	return 0;
}

static int end(void **state)
{
	struct place *place = *state;

	directory_free(place->directory);
	arena_clear(&place->memory);
	free(place);
	return 0;
}

static struct unix_socket opened(const char *path)
{
	struct unix_socket unix_socket;
	struct error err;

	if (unix_socket_open(path, 1, &unix_socket, &err) < 0)
		fail_msg("%s", err.text);
	return unix_socket;
}

static bool answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void refuses(const char *path, const char *words)
{
	struct unix_socket unix_socket;
	struct error err;

	assert_int_equal(unix_socket_open(path, 1, &unix_socket, &err), -1);
	check_error(path, &err, ERROR_SYSTEM, words);
	check_error(path, &err, ERROR_SYSTEM, path);
}

static void test_prefix(void **state)
{
	check_text("unix:", unix_socket_path("unix:/run/x"), "/run/x");
	check_text("empty", unix_socket_path("unix:"), "");
	check_text("address", unix_socket_path("127.0.0.1:80"), NULL);
	check_text("path", unix_socket_path("/run/x"), NULL);
}

/* Whatever the umask. */
static void test_mode(void **state)
{
	const struct place *place = *state;
	const mode_t mask = umask(0077);
	struct unix_socket unix_socket = opened(place->path);
	struct stat status;

	(void)umask(mask);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	assert_true(answers(place->path));
	unix_socket_close(&unix_socket);
	assert_int_equal(access(place->path, F_OK), -1);
}

static void test_group_of_the_directory(void **state)
{
	const struct place *place = *state;
	struct unix_socket unix_socket;
	struct stat status;

	assert_int_equal(chown(place->directory, (uid_t)-1, 33), 0);
	assert_int_equal(chmod(place->directory, 02750), 0);
	unix_socket = opened(place->path);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_gid, 33);
	unix_socket_close(&unix_socket);
}

static void test_stale_file_is_replaced(void **state)
{
	const struct place *place = *state;
	struct unix_socket dead = opened(place->path), living;

	closep(&dead.fd);
	assert_false(answers(place->path));
	living = opened(place->path);
	assert_true(answers(place->path));
	unix_socket_close(&living);
}

static void test_living_one_is_refused(void **state)
{
	const struct place *place = *state;
	struct unix_socket living = opened(place->path);

	refuses(place->path, "Address already in use by test-unix-socke, process ");
	assert_true(answers(place->path));
	/* Also one that is too busy to take us. */
	for (int i = 0; i < 3; i++)
		refuses(place->path, "Address already in use by ");
	unix_socket_close(&living);
}

static void test_other_files_are_refused(void **state)
{
	const struct place *place = *state;
	FILE *file = fopen(place->path, "we");

	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	refuses(place->path, "a file of another kind is there");
	assert_int_equal(unlink(place->path), 0);
	/* A link is not followed. */
	assert_int_equal(symlink("elsewhere", place->path), 0);
	refuses(place->path, "a file of another kind is there");
	assert_int_equal(unlink(place->path), 0);
	refuses("/nowhere.invalid/socket", "'d /nowhere.invalid 2750 mailconfd www-data'");
}

static void test_close_leaves_what_others_put_there(void **state)
{
	const struct place *place = *state;
	struct unix_socket ours = opened(place->path), other;
	const char *aside = directory_path(&((struct place *)*state)->memory, place->directory,
					   "aside");

	assert_int_equal(rename(place->path, aside), 0);
	other = opened(place->path);
	unix_socket_close(&ours);
	assert_true(answers(place->path));
	unix_socket_close(&other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix),
		TEST(test_mode),
		TEST(test_stale_file_is_replaced),
		TEST(test_living_one_is_refused),
		TEST(test_other_files_are_refused),
		TEST(test_close_leaves_what_others_put_there),
		/* This needs root. */
		TEST(test_group_of_the_directory),
	};
	size_t count = sizeof(tests) / sizeof(*tests) - (geteuid() != 0);

	/* cmocka 1.1 reports its own skip() as "not ok". */
	return _cmocka_run_group_tests("unix-socket", tests, count, NULL, NULL);
}
