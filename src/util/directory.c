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

bool directory_is_ours(int fd)
{
	struct stat status;
	char path[64];
	int before = errno;
	bool has_acl;

	if (fstat(fd, &status) < 0 || !is_trusted(status.st_uid) || status.st_mode & S_IWOTH)
		return false;
	if (!(status.st_mode & S_IWGRP))
		return true;
	/* Which users and groups an ACL names beside the owner and the group, the mode does not
	 * show: its bits of the group are then the mask of all of them (acl(5)). fgetxattr() does
	 * not take an O_PATH descriptor. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	has_acl = getxattr(path, "system.posix_acl_access", NULL, 0) >= 0 ||
		  (errno != ENODATA && errno != EOPNOTSUPP);
	errno = before;
	return status.st_gid == getegid() && !has_acl;
}

/* In a directory such as /tmp all users can write, but not delete files of other users. */
static bool keeps_what_is_ours(int fd)
{
	struct stat status;

	return directory_is_ours(fd) ||
	       (fstat(fd, &status) == 0 && is_trusted(status.st_uid) && (status.st_mode & S_ISVTX));
}

/* Creates it where it is missing, if there is a mode, which is set on the created directory and not
 * on one that may have replaced it. */
static int enter_directory(int above, const char *name, mode_t mode)
{
	int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int entered = openat(above, name, flags);
	_cleanup_(closep) int fd = -1;
	struct stat status;

	if (entered >= 0 || errno != ENOENT || !mode)
		return entered;
	if (mkdirat(above, name, mode) == 0) {
		fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &status) < 0)
			return -1;
		if (status.st_uid != geteuid()) {
			errno = EPERM;
			return -1;
		}
		if (fchmod(fd, mode) < 0)
			return -1;
	} else if (errno != EEXIST) {
		return -1;
	}
	return openat(above, name, flags);
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

	error_set(err, ERROR_SYSTEM, "cannot open the directory '%s': %s", path, strerror(error));
	if (error == ENOTDIR && is_link(above, name)) {
		error_set(err, ERROR_SYSTEM,
			  "cannot open the directory '%s': '%s' is a link that another user may "
			  "have created",
			  path, name);
		error_hint(err, "name the directory that it points to");
	}
	errno = error;
	return -1;
}

static int reject_writable_directory(const char *path, int fd, struct error *err)
{
	char link[64], real[PATH_MAX] = "";
	bool is_itself;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	is_itself = readlink(link, real, sizeof(real) - 1) <= 0 || text_equals(real, path);
	error_set(err, ERROR_CONFIG,
		  "cannot use the directory '%s' as root: another user can write in %s%s%s", path,
		  is_itself ? "it" : "'", is_itself ? "" : real, is_itself ? "" : "'");
	return error_hint(err,
			  "give %s to root with 'chown root' and 'chmod go-w', or name another",
			  is_itself ? "it" : "that");
}

enum {
	WALK_STOPPED = 1, /* at a directory in which others can write */
	WALK_MISSING,	  /* before a directory that does not exist */
};

/* Follows the path to its end, as far as no other user can change it. Links are not followed by the
 * kernel, which would follow what is on the way to their target too. Returns 0, one of the above,
 * or -1 with err set; at is the directory that was reached, -1 before the first. */
static int walk_to_end(const char *path, mode_t mode, int *at, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	char *rest = arena_strdup(&memory, path);
	const char *name;
	unsigned n_links = 0;

	*at = open(*path == '/' ? "/" : ".", flags);
	if (*at < 0)
		return fail_to_open(path, AT_FDCWD, path, err);
	while ((name = strsep(&rest, "/"))) {
		char target[PATH_MAX];
		ssize_t length;
		int next;

		if (!*name)
			continue;
		if (!keeps_what_is_ours(*at))
			return WALK_STOPPED;
		next = enter_directory(*at, name, mode);
		if (next < 0 && errno == ENOTDIR && directory_is_ours(*at) && is_link(*at, name)) {
			errno = ELOOP;
			length = n_links++ < LINKS_MAX
					 ? readlinkat(*at, name, target, sizeof(target) - 1)
					 : -1;
			if (length >= 0) {
				target[length] = '\0';
				rest = arena_printf(&memory, "%s/%s", target, rest ? rest : "");
				if (*target != '/')
					continue;
				next = open("/", flags);
			}
		}
		if (next < 0) {
			fail_to_open(path, *at, name, err);
			return errno == ENOENT ? WALK_MISSING : -1;
		}
		closep(at);
		*at = next;
	}
	return directory_is_ours(*at) ? 0 : WALK_STOPPED;
}

int directory_open_ours(const char *path, mode_t mode, struct error *err)
{
	_cleanup_(closep) int at = -1;
	int r = walk_to_end(path, mode, &at, err);

	if (r == WALK_STOPPED)
		return reject_writable_directory(path, at, err);
	return r == 0 ? TAKE_FD(at) : -1;
}

int directory_find_owner(const char *path, uid_t *ret_user, gid_t *ret_group, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(freep) char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	_cleanup_(closep) int at = -1;
	int r = walk_to_end(here ? arena_printf(&memory, "%s/%s", here, path) : path, 0, &at, err);
	struct stat status;

	if (r < 0)
		return -1;
	if (fstat(at, &status) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot open the directory '%s': %s", path,
				 strerror(errno));
	/* What is missing below such as /tmp could be created by anybody. */
	if (r == WALK_MISSING && !directory_is_ours(at))
		return -1;
	if (r == WALK_STOPPED && is_trusted(status.st_uid))
		return reject_writable_directory(path, at, err);
	*ret_user = r == WALK_STOPPED ? status.st_uid : geteuid();
	*ret_group = r == WALK_STOPPED ? status.st_gid : getegid();
	return 0;
}
