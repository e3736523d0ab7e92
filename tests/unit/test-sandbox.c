/* What a process in the sandbox can still do; each is tried in a child, which cannot leave
 * the sandbox. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sandbox.h"
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
	struct sandbox sandbox;
	const char *glob;
	struct error err;

	settings_default(&memory, &settings);
	settings.database.file = directory_path(&memory, directory, "data/test.db");
	glob = directory_path(&memory, directory, "certificates/*.pem");
	settings.tls.certificates = (struct texts){ .items = &glob, .count = 1 };
	if (sandbox_enter(&memory, &settings, directory_path(&memory, directory, "settings/a.conf"),
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

/* What the child tries in the sandbox: the exit status is 0, or errno. */
struct attempt {
	const char *name;
	long number, arguments[4];
	int error; /* that must come out */
};

static int try_call(const struct attempt *attempt)
{
	const long *a = attempt->arguments;

	return syscall(attempt->number, a[0], a[1], a[2], a[3], -1L, 0L) < 0 ? errno : 0;
}

static void assert_attempts(const char *directory, const struct attempt *attempts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0) {
			enter(directory);
			_exit(try_call(&attempts[i]));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != attempts[i].error)
			fail_msg("%s: %s, not %s", attempts[i].name, strerror(WEXITSTATUS(status)),
				 strerror(attempts[i].error));
	}
}

static void *do_nothing(void *argument)
{
	return argument;
}

static int start_thread(const char *directory)
{
	pthread_t thread;
	int result;

	enter(directory);
	result = pthread_create(&thread, NULL, do_nothing, NULL);
	return result ? result : pthread_join(thread, NULL);
}

static int start_process(const char *directory)
{
	pid_t child;

	enter(directory);
	child = fork();
	if (child == 0)
		_exit(0);
	return child < 0 ? errno : 0;
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

/* With any high bits, which the kernel does not look at. */
#define HIGH (1L << 32)
#define EXECUTABLE (PROT_READ | PROT_EXEC)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static void test_arguments(void **state)
{
	static const struct attempt attempts[] = {
		{ "TIOCSTI", SYS_ioctl, { -1, TIOCSTI }, EPERM },
		{ "TIOCLINUX", SYS_ioctl, { -1, TIOCLINUX }, EPERM },
		{ "FIONREAD", SYS_ioctl, { -1, FIONREAD }, EBADF },
#if __LP64__
		{ "TIOCSTI with high bits", SYS_ioctl, { -1, TIOCSTI | HIGH }, EPERM },
		{ "TIOCLINUX with high bits", SYS_ioctl, { -1, TIOCLINUX | HIGH << 31 }, EPERM },
#endif
#if defined(__x86_64__) || defined(__aarch64__)
		{ "mmap", SYS_mmap, { 0, 4096, PROT_READ, ANONYMOUS }, 0 },
		{ "mmap with PROT_EXEC", SYS_mmap, { 0, 4096, EXECUTABLE, ANONYMOUS }, EPERM },
		{ "PROT_EXEC with high bits",
		  SYS_mmap,
		  { 0, 4096, PROT_EXEC | HIGH, ANONYMOUS },
		  EPERM },
#endif
		{ "mprotect", SYS_mprotect, { 0, 0, PROT_READ }, 0 },
		{ "mprotect with PROT_EXEC", SYS_mprotect, { 0, 0, PROT_EXEC }, EPERM },
		{ "pkey_mprotect", SYS_pkey_mprotect, { 0, 0, PROT_EXEC, -1 }, EPERM },
		{ "personality", SYS_personality, { 0x0400000 }, EPERM },
	};

	assert_attempts(*state, attempts, sizeof(attempts) / sizeof(*attempts));
}

static void test_namespaces(void **state)
{
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
	static const struct attempt attempts[] = {
#ifndef __s390__
		{ "CLONE_NEWCGROUP", SYS_clone, { CLONE_NEWCGROUP | THREAD }, EPERM },
		{ "CLONE_NEWIPC", SYS_clone, { CLONE_NEWIPC | THREAD }, EPERM },
		{ "CLONE_NEWNET", SYS_clone, { CLONE_NEWNET | THREAD }, EPERM },
		{ "CLONE_NEWNS", SYS_clone, { CLONE_NEWNS | THREAD }, EPERM },
		{ "CLONE_NEWPID", SYS_clone, { CLONE_NEWPID | THREAD }, EPERM },
		{ "CLONE_NEWUSER", SYS_clone, { CLONE_NEWUSER | THREAD }, EPERM },
		{ "CLONE_NEWUTS", SYS_clone, { CLONE_NEWUTS | THREAD }, EPERM },
#endif
		{ "unshare", SYS_unshare, { CLONE_NEWUSER }, EPERM },
		{ "setns", SYS_setns, { -1, 0 }, EPERM },
	};

	assert_attempts(*state, attempts, sizeof(attempts) / sizeof(*attempts));
	assert_int_equal(in_child(start_process, *state), EPERM);
	assert_int_equal(in_child(start_thread, *state), 0);
}

/* A C library takes ENOSYS for a kernel that is older than itself. */
static void test_missing_calls(void **state)
{
	static const struct attempt attempts[] = {
		{ "clone3", 435, { 0, 0 }, ENOSYS },
		{ "close_range", 436, { 100, 200 }, ENOSYS },
		{ "openat2", 437, { -1, 0, 0, 0 }, ENOSYS },
		{ "futex_waitv", 449, { 0, 0 }, ENOSYS },
		{ "fchmodat2", 452, { -1, 0, 0, 0 }, ENOSYS },
		{ "a call of the future", 500, { 0 }, ENOSYS },
		{ "copy_file_range", SYS_copy_file_range, { -1, 0, -1, 0 }, ENOSYS },
		{ "preadv2", SYS_preadv2, { -1, 0, 0, 0 }, ENOSYS },
		{ "faccessat2", 439, { -1, (long)"", F_OK, 0 }, ENOENT },
		{ "statx", SYS_statx, { -1, (long)"", 0, 0 }, ENOENT },
		{ "ptrace", SYS_ptrace, { 0 }, EPERM },
		{ "mount", SYS_mount, { 0 }, EPERM },
	};

	assert_attempts(*state, attempts, sizeof(attempts) / sizeof(*attempts));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_programs),
		/* These need seccomp. */
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_missing_calls),
	};

	/* cmocka 1.1 reports its own skip() as "not ok". */
	return _cmocka_run_group_tests("sandbox", tests, seccomp_is_available() ? 6 : 3, set_up,
				       tear_down);
}
