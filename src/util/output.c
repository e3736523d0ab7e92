#include "util/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/file.h"

static int fail_to_write(const char *path, const char *reason, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", path, reason);
}

/* Whether a file of the name exists, and may be replaced. */
static int check_place(const struct output *output, struct error *err)
{
	struct stat there;

	if (fstatat(output->directory, output->name, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_to_write(output->path, strerror(errno), err);
	if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
		return fail_to_write(output->path, "it is not a file", err);
	if (!output->may_replace)
		return error_set(err, ERROR_INPUT, "'%s' exists already; use --force to replace it",
				 output->path);
	return 0;
}

int output_open(struct arena *memory, const char *path, bool may_replace, struct output *ret_output,
		struct error *err)
{
	_cleanup_(output_close) struct output output = OUTPUT_NULL;

	output.path = path;
	output.may_replace = may_replace;
	output.directory = file_open_directory(memory, path, &output.name);
	if (output.directory < 0)
		return fail_to_write(path, strerror(errno), err);
	if (check_place(&output, err) < 0)
		return -1;
	output.fd = file_create_temporary(memory, output.directory, &output.temporary);
	if (output.fd < 0)
		return fail_to_write(path, strerror(errno), err);
	*ret_output = output;
	output = OUTPUT_NULL;
	return 0;
}

/* A file of this name that appeared meanwhile remains, unless it may be replaced, or the file
 * system has no such operation. */
static int give_name(const struct output *output)
{
	int directory = output->directory;

	if (!output->may_replace) {
		if (renameat2(directory, output->temporary, directory, output->name,
			      RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EINVAL)
			return -1;
	}
	return renameat(directory, output->temporary, directory, output->name);
}

/* The name is safe once its directory is. Returns 0 or what errno says. */
static int commit_file(const struct output *output)
{
	return fsync(output->fd) < 0 || give_name(output) < 0 || fsync(output->directory) < 0
		       ? errno
		       : 0;
}

/* In the child: waits for a byte, which asks for the name, or for the end of the parent. Signals of
 * the terminal reach both; the file is to be removed all the same. */
static void run_keeper(const struct output *output, int link)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	int result;
	char byte;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], SIG_IGN);
	if (read(link, &byte, 1) != 1) {
		(void)unlinkat(output->directory, output->temporary, 0);
		_exit(EXIT_FAILURE);
	}
	result = commit_file(output);
	if (result)
		(void)unlinkat(output->directory, output->temporary, 0);
	(void)!write(link, &result, sizeof(result));
	_exit(EXIT_SUCCESS);
}

int output_keep_rights(struct output *output, struct error *err)
{
	int links[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, links) < 0)
		return fail_to_write(output->path, strerror(errno), err);
	output->keeper = fork();
	if (output->keeper == 0) {
		close(links[0]);
		run_keeper(output, links[1]);
	}
	close(links[1]);
	output->keeper_link = links[0];
	if (output->keeper > 0)
		return 0;
	output->keeper = 0;
	return fail_to_write(output->path, strerror(errno), err);
}

static int commit_by_keeper(struct output *output)
{
	int result;

	if (send(output->keeper_link, "", 1, MSG_NOSIGNAL) != 1 ||
	    read(output->keeper_link, &result, sizeof(result)) != (ssize_t)sizeof(result))
		return EPIPE;
	return result;
}

int output_commit(struct output *output, struct error *err)
{
	int result = output->keeper ? commit_by_keeper(output) : commit_file(output);

	if (result)
		return fail_to_write(output->path, strerror(result), err);
	closep(&output->fd);
	output->fd = -1;
	output_close(output);
	return 0;
}

void output_close(struct output *output)
{
	closep(&output->keeper_link);
	if (output->keeper)
		(void)waitpid(output->keeper, NULL, 0);
	else if (output->fd >= 0)
		(void)unlinkat(output->directory, output->temporary, 0);
	closep(&output->fd);
	closep(&output->directory);
	*output = OUTPUT_NULL;
}
