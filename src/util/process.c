#include "util/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "util/clock.h"

/* After which a program that does not heed the first signal gets the second. */
#define GRACE_MS 3000

/* In the child. Errors go through the pipe that a successful exec closes. */
static void execute_program(const char *const *words, const char *addition, int output, int failure)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if ((!addition || putenv((char *)addition) == 0) && dup2(output, STDOUT_FILENO) >= 0 &&
	    dup2(output, STDERR_FILENO) >= 0) {
		int nothing = open("/dev/null", O_RDONLY);

		if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0)
			(void)execvp(words[0], (char *const *)words);
	}
	(void)!write(failure, &errno, sizeof(errno));
	_exit(127);
}

/* Reads until the program has closed its output. Returns false where that takes too long. */
static bool read_output(int output, int64_t deadline, struct bytes *said)
{
	struct pollfd news = { .fd = output, .events = POLLIN };
	char piece[4096];

	for (;;) {
		int64_t left = deadline - clock_now();
		ssize_t got;

		if (left <= 0)
			return false;
		if (poll(&news, 1, (int)left) <= 0)
			continue;
		got = read(output, piece, sizeof(piece));
		if (got == 0 || (got < 0 && errno != EINTR))
			return true;
		if (got > 0 && said->size < PROCESS_OUTPUT_MAX)
			bytes_add(said, piece, (size_t)got);
	}
}

int process_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int process_run(struct arena *memory, const char *const *words, const char *addition,
		unsigned seconds, struct process_end *ret_end, struct error *err)
{
	int output[2] = { -1, -1 }, failure[2] = { -1, -1 }, reason = 0;
	struct bytes said = BYTES_IN(memory);
	struct process_end result = { 0 };
	pid_t pid = -1;

	if (pipe2(output, O_CLOEXEC) == 0 && pipe2(failure, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		execute_program(words, addition, output[1], failure[1]);
	if (pid < 0)
		reason = errno;
	close(output[1]);
	close(failure[1]);
	if (pid > 0) {
		if (read(failure[0], &reason, sizeof(reason)) != (ssize_t)sizeof(reason))
			reason = 0;
		result.was_too_slow = !read_output(output[0], clock_now() + (int64_t)seconds * 1000,
						   &said);
		if (result.was_too_slow) {
			kill(pid, SIGTERM);
			if (!read_output(output[0], clock_now() + GRACE_MS, &said))
				kill(pid, SIGKILL);
		}
		result.status = process_wait(pid);
	}
	close(output[0]);
	close(failure[0]);
	if (reason)
		return error_set(err, ERROR_SYSTEM, "cannot run %s: %s", words[0],
				 strerror(reason));
	result.output = bytes_text(&said);
	*ret_end = result;
	return 0;
}

int process_check_program(const char *path, struct error *err)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return error_set(err, ERROR_CONFIG, "cannot run '%s': %s", path, strerror(errno));
	if (S_ISREG(status.st_mode) && status.st_mode & 0111)
		return 0;
	error_set(err, ERROR_CONFIG, "cannot run '%s': it is not an executable file", path);
	return error_hint(err, "use 'chmod a+x %s'", path);
}

void process_hide_memory(void)
{
#ifndef SANITIZED /* which looks for leaks from outside */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
