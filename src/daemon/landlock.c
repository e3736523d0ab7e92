#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What newer kernels have than the headers of the oldest system that we build on (Linux 6.1). */
#define TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define BIND_TCP (UINT64_C(1) << 0)   /* version 4 */
#define CONNECT_TCP (UINT64_C(1) << 1)
#define ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0) /* version 6 */
#define SIGNAL (UINT64_C(1) << 1)

struct ruleset {
	uint64_t files, network, scopes;
};

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                          \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* All rights to files of version 1. */
#define ALL                                                                          \
	(READ | WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |               \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static int allow_folder(int rules, const struct folder *folder, uint64_t handled)
{
	_cleanup_(closep) int fd = open(folder->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = (folder->is_writable ? READ | WRITE | TRUNCATE : READ) & handled,
		.parent_fd = fd,
	};
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return 0;
	if (!S_ISDIR(status.st_mode))
		rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
	return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

int landlock_restrict(const struct folders *folders, struct error *err)
{
	int version = landlock_version();
	struct ruleset ruleset = { .files = ALL };
	/* Older kernels refuse a structure with members that they do not know. */
	size_t size = offsetof(struct ruleset, network);
	_cleanup_(closep) int rules = -1;
	bool is_done;

	if (version >= 2)
		ruleset.files |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		ruleset.files |= TRUNCATE;
	if (version >= 4) {
		ruleset.network = BIND_TCP | CONNECT_TCP;
		size = offsetof(struct ruleset, scopes);
	}
	if (version >= 5)
		ruleset.files |= IOCTL_DEV;
	if (version >= 6) {
		ruleset.scopes = ABSTRACT_UNIX_SOCKET | SIGNAL;
		size = sizeof(ruleset);
	}
	if (version > 0)
		rules = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
	is_done = rules >= 0;
	for (size_t i = 0; i < folders->count && is_done; i++)
		is_done = allow_folder(rules, &folders->items[i], ruleset.files) == 0;
	if (!is_done || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
	return 0;
}
