#include "util/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LINKS_MAX 40 /* on the way, as the kernel has it */

/* The owner of the root directory can change everything. In a user namespace it can be a user
 * without an ID. */
static bool is_trusted(uid_t owner)
{
	struct stat top;

	return owner == 0 || owner == geteuid() || (stat("/", &top) == 0 && owner == top.st_uid);
}

/* Which users and groups it names beside the owner and the group, the mode does not show: its bits
 * of the group are then the mask of all of them (acl(5)). fgetxattr() does not take an O_PATH
 * descriptor. */
static bool has_acl(int fd)
{
	char path[64];
	int before = errno;
	bool has_none;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	has_none = getxattr(path, "system.posix_acl_access", NULL, 0) < 0 &&
		   (errno == ENODATA || errno == EOPNOTSUPP);
	errno = before;
	return !has_none;
}

bool directory_is_ours(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && is_trusted(status.st_uid) &&
	       !(status.st_mode & S_IWOTH) &&
	       (!(status.st_mode & S_IWGRP) || (status.st_gid == getegid() && !has_acl(fd)));
}

/* In a directory such as /tmp all users can write, but not delete files of other users. */
static bool keeps_what_is_ours(int fd)
{
	struct stat status;

	return directory_is_ours(fd) ||
	       (fstat(fd, &status) == 0 && is_trusted(status.st_uid) && (status.st_mode & S_ISVTX));
}

/* The mode is set on the created file, not on one that may have replaced it. */
static int make_directory(int above, const char *name, mode_t mode)
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

static int enter_directory(int above, const char *name, mode_t mode)
{
	int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(above, name, flags);

	if (fd >= 0 || errno != ENOENT || !mode)
		return fd;
	return make_directory(above, name, mode) == 0 ? openat(above, name, flags) : -1;
}

static bool is_link(int above, const char *name)
{
	struct stat status;

	return fstatat(above, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

/* Leaves errno as it is. */
static int fail_to_open(const char *path, int above, const char *name, struct error *err)
{
	int error = errno;

	if (error == ENOTDIR && is_link(above, name))
		error_set(err, ERROR_SYSTEM,
			  "cannot open the directory '%s': '%s' is a link that another user "
			  "may have created; name the directory that it points to",
			  path, name);
	else
		error_set(err, ERROR_SYSTEM, "cannot open the directory '%s': %s", path,
			  strerror(error));
	errno = error;
	return -1;
}

static int reject_writable_directory(const char *path, int fd, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char real[PATH_MAX] = "";

	if (readlink(arena_printf(&memory, "/proc/self/fd/%d", fd), real, sizeof(real) - 1) <= 0)
		snprintf(real, sizeof(real), "%s", path);
	if (text_equals(real, path))
		return error_set(err, ERROR_CONFIG,
				 "cannot use the directory '%s' as root: another user can write in "
				 "it; give it to root with 'chown root' and 'chmod go-w', or name "
				 "another",
				 path);
	return error_set(err, ERROR_CONFIG,
			 "cannot use the directory '%s' as root: another user can write in '%s'; "
			 "give that to root with 'chown root' and 'chmod go-w', or name another",
			 path, real);
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
		close(walk->fd);
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
static int follow_link(struct arena *memory, struct walk *walk, const char *name)
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

static int walk_step(struct arena *memory, struct walk *walk, const char *name, mode_t mode)
{
	int next = enter_directory(walk->fd, name, mode);

	if (next >= 0) {
		move_to(walk, next);
		return 0;
	}
	if (errno == ENOTDIR && directory_is_ours(walk->fd) && is_link(walk->fd, name))
		return follow_link(memory, walk, name);
	return -1;
}

enum {
	WALK_STOPPED = 1, /* at a directory in which others can write */
	WALK_MISSING,	  /* before a directory that does not exist */
};

/* Follows the path to its end, as far as no other user can change it. Returns 0, one of the
 * above, or -1 with err set. */
static int walk_to_end(struct arena *memory, struct walk *walk, const char *path, mode_t mode,
		       struct error *err)
{
	const char *name;

	walk->rest = arena_strdup(memory, path);
	if (move_to_start(walk, path) < 0)
		return fail_to_open(path, AT_FDCWD, path, err);
	while ((name = strsep(&walk->rest, "/"))) {
		if (!*name)
			continue;
		if (!keeps_what_is_ours(walk->fd))
			return WALK_STOPPED;
		if (walk_step(memory, walk, name, mode) == 0)
			continue;
		fail_to_open(path, walk->fd, name, err);
		return errno == ENOENT ? WALK_MISSING : -1;
	}
	return directory_is_ours(walk->fd) ? 0 : WALK_STOPPED;
}

int directory_open_ours(const char *path, mode_t mode, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(walk_end) struct walk walk = { .fd = -1 };
	int r = walk_to_end(&memory, &walk, path, mode, err);

	if (r == WALK_STOPPED)
		return reject_writable_directory(path, walk.fd, err);
	return r == 0 ? TAKE_FD(walk.fd) : -1;
}

static const char *absolute_path(struct arena *memory, const char *path)
{
	_cleanup_(freep) char *here = *path == '/' ? NULL : getcwd(NULL, 0);

	return here ? arena_printf(memory, "%s/%s", here, path) : path;
}

int directory_find_owner(const char *path, uid_t *ret_user, gid_t *ret_group, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(walk_end) struct walk walk = { .fd = -1 };
	int r = walk_to_end(&memory, &walk, absolute_path(&memory, path), 0, err);
	struct stat status;

	if (r < 0)
		return -1;
	if (fstat(walk.fd, &status) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot open the directory '%s': %s", path,
				 strerror(errno));
	/* What is missing below such as /tmp could be created by anybody. */
	if (r == WALK_MISSING && !directory_is_ours(walk.fd))
		return -1;
	if (r == WALK_STOPPED && is_trusted(status.st_uid))
		return reject_writable_directory(path, walk.fd, err);
	*ret_user = r == WALK_STOPPED ? status.st_uid : geteuid();
	*ret_group = r == WALK_STOPPED ? status.st_gid : getegid();
	return 0;
}
