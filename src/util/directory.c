#include "util/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"

#define LINKS_MAX 40 /* on the way, as the kernel has it */

/* Whoever owns the root directory can change everything: in a user namespace it is somebody without
 * a number of their own. */
static bool is_trusted(uid_t owner)
{
	struct stat top;

	return owner == 0 || owner == geteuid() || (stat("/", &top) == 0 && owner == top.st_uid);
}

bool directory_is_ours(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && is_trusted(status.st_uid) &&
	       !(status.st_mode & S_IWOTH) &&
	       (!(status.st_mode & S_IWGRP) || status.st_gid == getegid());
}

/* In one such as /tmp everybody may write, but nobody takes away what is ours. */
static bool keeps_what_is_ours(int fd)
{
	struct stat status;

	return directory_is_ours(fd) ||
	       (fstat(fd, &status) == 0 && is_trusted(status.st_uid) && (status.st_mode & S_ISVTX));
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
	int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(above, name, flags);

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

static int fail_as_not_ours(const char *path, int fd, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char real[PATH_MAX] = "";

	if (readlink(arena_printf(&memory, "/proc/self/fd/%d", fd), real, sizeof(real) - 1) <= 0)
		(void)snprintf(real, sizeof(real), "%s", path);
	return error_set(err, ERROR_CONFIG,
			 "another user may write in the directory '%s', and could lead elsewhere "
			 "what is written %s: give it to root, or name another",
			 real, text_equals(real, path) ? "there" : "below");
}

/* What is still to be entered, and where from. */
struct walk {
	int fd;
	char *rest;
	unsigned int n_links;
};

static void walk_end(struct walk *walk)
{
	if (walk->fd >= 0)
		(void)close(walk->fd);
}

static void move_to(struct walk *walk, int fd)
{
	walk_end(walk);
	walk->fd = fd;
}

static int move_to_start(struct walk *walk, const char *path)
{
	int fd = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	move_to(walk, fd);
	return 0;
}

/* Not by the kernel, which would follow what is on the way to its target too. */
static int follow(struct arena *memory, struct walk *walk, const char *name)
{
	char target[PATH_MAX];
	ssize_t length;

	if (walk->n_links++ == LINKS_MAX) {
		errno = ELOOP;
		return -1;
	}
	length = readlinkat(walk->fd, name, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = '\0';
	walk->rest = arena_printf(memory, "%s/%s", target, walk->rest ? walk->rest : "");
	return *target == '/' ? move_to_start(walk, target) : 0;
}

static int step(struct arena *memory, struct walk *walk, const char *name, mode_t mode)
{
	int next = enter(walk->fd, name, mode);

	if (next >= 0) {
		move_to(walk, next);
		return 0;
	}
	if (errno == ENOTDIR && directory_is_ours(walk->fd) && is_link(walk->fd, name))
		return follow(memory, walk, name);
	return -1;
}

static int open_by_walk(const char *path, mode_t mode, bool must_be_ours, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(walk_end) struct walk walk = { .fd = -1, .rest = arena_strdup(&memory, path) };
	const char *name;

	if (move_to_start(&walk, path) < 0)
		return fail(path, AT_FDCWD, path, err);
	while ((name = strsep(&walk.rest, "/"))) {
		if (!*name)
			continue;
		if (must_be_ours && !keeps_what_is_ours(walk.fd))
			return fail_as_not_ours(path, walk.fd, err);
		if (step(&memory, &walk, name, mode) < 0)
			return fail(path, walk.fd, name, err);
	}
	if (must_be_ours && !directory_is_ours(walk.fd))
		return fail_as_not_ours(path, walk.fd, err);
	return TAKE_FD(walk.fd);
}

int directory_open(const char *path, mode_t mode, struct error *err)
{
	return open_by_walk(path, mode, false, err);
}

int directory_open_ours(const char *path, mode_t mode, struct error *err)
{
	return open_by_walk(path, mode, true, err);
}
