#include "util/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"

bool directory_is_ours(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (status.st_uid == 0 || status.st_uid == geteuid()) &&
	       !(status.st_mode & S_IWOTH) &&
	       (!(status.st_mode & S_IWGRP) || status.st_gid == getegid());
}

/* The mode is set on what was made, not on what may stand in its place by now. */
static int make(int above, const char *name, mode_t mode)
{
	_cleanup_(closep) int fd = -1;
	struct stat status;

	if (mkdirat(above, name, mode) < 0)
		return errno == EEXIST ? 0 : -1;
	fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	if (status.st_uid != geteuid()) {
		errno = EPERM;
		return -1;
	}
	return fchmod(fd, mode);
}

static int enter(int above, const char *name, mode_t mode)
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int fd;

	if (!directory_is_ours(above))
		flags |= O_NOFOLLOW;
	fd = openat(above, name, flags);
	if (fd >= 0 || errno != ENOENT || !mode)
		return fd;
	return make(above, name, mode) == 0 ? openat(above, name, flags) : -1;
}

static bool is_link(int above, const char *name)
{
	struct stat status;

	return fstatat(above, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

static int fail(const char *path, int above, const char *name, struct error *err)
{
	int error = errno;

	if (error == ENOTDIR && is_link(above, name))
		return error_set(err, ERROR_SYSTEM,
				 "cannot open the directory '%s': '%s' is a link that another user "
				 "may have put there; name the directory that it leads to",
				 path, name);
	return error_set(err, ERROR_SYSTEM, "cannot open the directory '%s': %s", path,
			 strerror(error));
}

int directory_open(const char *path, mode_t mode, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int fd = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *rest = arena_strdup(&memory, path), *name;

	if (fd < 0)
		return fail(path, AT_FDCWD, path, err);
	while ((name = strsep(&rest, "/"))) {
		int next;

		if (!*name)
			continue;
		next = enter(fd, name, mode);
		if (next < 0)
			return fail(path, fd, name, err);
		(void)close(fd);
		fd = next;
	}
	return TAKE_FD(fd);
}
