/* What a process in the sandbox can still do; each is tried in a child, for there is no way out. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/landlock.h"
#include "daemon/sandbox.h"
#include "daemon/seccomp.h"
#include "unit/fixture.h"
#include "util/arena.h"

/* Errors of the child, as its exit status. */
static int in_child(int (*function)(const char *directory), const char *directory)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(function(directory));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void enter(const char *directory)
{
	struct arena memory = ARENA_NULL;
	struct settings settings;
	struct sandbox *sandbox;
	const char *glob;
	struct error err;

	settings_default(&memory, &settings);
	settings.database.file = directory_path(&memory, directory, "data/test.db");
	glob = directory_path(&memory, directory, "certificates/*.pem");
	settings.tls.certificates = (struct words){ &glob, 1 };
	if (sandbox_enter(&settings, directory_path(&memory, directory, "settings/a.conf"),
			  &sandbox, &err) < 0)
		_exit(255);
}

static int opens(const char *directory, const char *file, int flags)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int fd = open(directory_path(&memory, directory, file), flags, 0600);

	return fd < 0 ? errno : 0;
}

static int read_outside(const char *directory)
{
	enter(directory);
	return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
}

static int read_inside(const char *directory)
{
	enter(directory);
	return opens(directory, "certificates/a.pem", O_RDONLY);
}

static int write_certificate(const char *directory)
{
	enter(directory);
	return opens(directory, "certificates/a.pem", O_WRONLY);
}

static int make_file(const char *directory)
{
	enter(directory);
	return opens(directory, "data/test.db-wal", O_RDWR | O_CREAT | O_TRUNC);
}

static int remove_file(const char *directory)
{
	struct arena memory = ARENA_NULL;

	enter(directory);
	return unlink(directory_path(&memory, directory, "data/test.db-wal")) < 0 ? errno : 0;
}

static int start_program(const char *directory)
{
	enter(directory);
	(void)execl("/bin/true", "true", NULL);
	return errno;
}

static int connect_somewhere(const char *directory)
{
	const struct sockaddr_in nowhere = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	enter(directory);
	return connect(fd, (const struct sockaddr *)&nowhere, sizeof(nowhere)) < 0 ? errno : 0;
}

static int make_socket(const char *directory)
{
	enter(directory);
	return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? errno : 0;
}

static int set_up(void **state)
{
	static const char *const folders[] = { "data", "certificates", "settings" };
	struct arena memory = ARENA_NULL;
	char *directory = directory_new();

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		assert_int_equal(mkdir(directory_path(&memory, directory, folders[i]), 0700), 0);
	assert_int_equal(opens(directory, "certificates/a.pem", O_WRONLY | O_CREAT), 0);
	arena_clear(&memory);
	*state = directory;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const entries[] = { "certificates/a.pem", "data", "certificates",
					       "settings" };
	struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		(void)remove(directory_path(&memory, *state, entries[i]));
	arena_clear(&memory);
	directory_free(*state);
	return 0;
}

/* Of the two, seccomp sees a call first. */
static int refusal(bool landlock_does, int otherwise)
{
	if (seccomp_is_available())
		return EPERM;
	return landlock_does ? EACCES : otherwise;
}

static void test_files(void **state)
{
	int outside = landlock_version() ? EACCES : 0;

	assert_int_equal(in_child(read_outside, *state), outside);
	assert_int_equal(in_child(read_inside, *state), 0);
	assert_int_equal(in_child(write_certificate, *state), outside);
	assert_int_equal(in_child(make_file, *state), 0);
	assert_int_equal(in_child(remove_file, *state), 0);
}

static void test_network(void **state)
{
	assert_int_equal(in_child(connect_somewhere, *state),
			 refusal(landlock_version() >= 4, ECONNREFUSED));
	assert_int_equal(in_child(make_socket, *state), refusal(false, 0));
}

static void test_programs(void **state)
{
	assert_int_equal(in_child(start_program, *state), refusal(landlock_version() > 0, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
