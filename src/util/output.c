#include "util/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"

static int fail(const char *path, const char *reason, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", path, reason);
}

/* What stands under the name already, and may have to make place. */
static int check_place(const char *path, bool may_replace, struct error *err)
{
	struct stat there;

	if (lstat(path, &there) < 0)
		return errno == ENOENT ? 0 : fail(path, strerror(errno), err);
	if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
		return fail(path, "it is not a file", err);
	if (!may_replace)
		return error_set(err, ERROR_INPUT,
				 "'%s' exists already; to replace it, say --force", path);
	return 0;
}

int output_open(struct arena *memory, const char *path, bool may_replace, struct output *ret_output,
		struct error *err)
{
	struct output output = {
		.path = path,
		.temporary = arena_printf(memory, "%s.XXXXXX", path),
		.may_replace = may_replace,
	};

	if (check_place(path, may_replace, err) < 0)
		return -1;
	output.fd = mkostemp(output.temporary, O_CLOEXEC);
	if (output.fd < 0)
		return fail(path, strerror(errno), err);
	*ret_output = output;
	return 0;
}

/* A file of this name that appeared meanwhile stays, unless it may be replaced, or the file system
 * knows no other way. */
static int give_name(const struct output *output)
{
	if (!output->may_replace) {
		if (renameat2(AT_FDCWD, output->temporary, AT_FDCWD, output->path,
			      RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EINVAL)
			return -1;
	}
	return rename(output->temporary, output->path);
}

/* The name is safe once its directory is. */
static int sync_directory(const char *path)
{
	_cleanup_(freep) char *name = xstrdup(path);
	_cleanup_(closep) int fd = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int output_commit(struct output *output, struct error *err)
{
	if (fsync(output->fd) < 0 || give_name(output) < 0)
		return fail(output->path, strerror(errno), err);
	(void)close(output->fd);
	output->fd = -1;
	return sync_directory(output->path) < 0 ? fail(output->path, strerror(errno), err) : 0;
}

void output_close(struct output *output)
{
	if (output->fd < 0)
		return;
	(void)close(output->fd);
	(void)unlink(output->temporary);
	output->fd = -1;
}
