#include "util/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/directory.h"
#include "util/process.h"

#define LINKS_MAX 40 /* to follow for one file, as in the kernel */

static struct account account_of(struct arena *memory, const struct passwd *entry)
{
	return (struct account){
		.name = arena_strdup(memory, entry->pw_name),
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
	};
}

int account_find(struct arena *memory, const char *name, struct account *ret_account,
		 struct error *err)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry) {
		error_set(err, ERROR_USAGE, "--user: user '%s' does not exist", name);
		return error_hint(err, "name another one, or create it with 'useradd --system %s'",
				  name);
	}
	if (entry->pw_uid == 0) {
		error_set(err, ERROR_USAGE, "--user: '%s' has all rights of root", name);
		return error_hint(err, "name an unprivileged user, such as mailconfd");
	}
	*ret_account = account_of(memory, entry);
	return 0;
}

static struct account account_of_uid(struct arena *memory, uid_t uid, gid_t gid)
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		return account_of(memory, entry);
	return (struct account){
		.name = arena_printf(memory, "#%lu", (unsigned long)uid),
		.uid = uid,
		.gid = gid,
	};
}

int account_of_directory(struct arena *memory, const char *file, struct account *ret_account,
			 struct error *err)
{
	const char *next = geteuid() == 0 ? file : NULL;
	unsigned n_links = 0;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	/* SQLite follows links, and recovers what is beside the file at the end of them. Only links
	 * of root are read here, so that they cannot be changed meanwhile. */
	while (next) {
		const char *directory = dirname(arena_strdup(memory, next));
		char target[PATH_MAX];
		ssize_t length;

		if (n_links++ > LINKS_MAX)
			return error_set(err, ERROR_SYSTEM, "cannot open '%s': %s", file,
					 strerror(ELOOP));
		if (directory_find_owner(directory, &uid, &gid, err) < 0)
			return -1;
		length = uid == 0 ? readlink(next, target, sizeof(target) - 1) : 0;
		if (length <= 0)
			break;
		target[length] = '\0';
		next = *target == '/' ? arena_strdup(memory, target)
				      : arena_printf(memory, "%s/%s", directory, target);
	}
	*ret_account = account_of_uid(memory, uid, gid);
	return 0;
}

const char *account_name(struct arena *memory)
{
	return account_of_uid(memory, geteuid(), getegid()).name;
}

int account_hint(struct error *err, const char *file, bool for_writing)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct stat directory, status;
	const struct group *group;

	if (stat(dirname(arena_strdup(&memory, file)), &directory) < 0)
		return error_hint(err, "run the command with sudo");
	if (directory.st_uid == geteuid() && lstat(file, &status) == 0 &&
	    status.st_uid != geteuid())
		return error_hint(err,
				  "it belongs to '%s', and its directory to '%s': run 'chown -h %s "
				  "%s' as root",
				  account_of_uid(&memory, status.st_uid, 0).name,
				  account_name(&memory), account_name(&memory), file);
	if (for_writing)
		return error_hint(err, "run the command with sudo, or as user '%s'",
				  account_of_uid(&memory, directory.st_uid, 0).name);
	group = getgrgid(directory.st_gid);
	return error_hint(err, "run the command with sudo, or as a member of the group '%s'",
			  group ? group->gr_name
				: arena_printf(&memory, "%lu", (unsigned long)directory.st_gid));
}

/* Returns false for all that a mistake could leave: an identity that was saved, root's groups,
 * capabilities that stay by a securebit. */
static bool has_become(const struct account *account)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uid_t uid, effective_uid, saved_uid;
	gid_t gid, effective_gid, saved_gid, groups[NGROUPS_MAX];
	int n_groups = getgroups(NGROUPS_MAX, groups);

	if (getresuid(&uid, &effective_uid, &saved_uid) < 0 || uid != account->uid ||
	    effective_uid != account->uid || saved_uid != account->uid)
		return false;
	if (getresgid(&gid, &effective_gid, &saved_gid) < 0 || gid != account->gid ||
	    effective_gid != account->gid || saved_gid != account->gid || n_groups < 0)
		return false;
	for (int i = 0; i < n_groups; i++)
		if (groups[i] == 0)
			return false;
	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted)
			return false;
	return setuid(0) < 0;
}

int account_become(const struct account *account, struct error *err)
{
	int r;

	if (geteuid() == account->uid && getuid() == account->uid)
		return 0;
	if (geteuid() != 0)
		return error_set(err, ERROR_USAGE, "cannot become user '%s': only root can",
				 account->name);
	r = *account->name == '#' ? setgroups(1, &account->gid)
				  : initgroups(account->name, account->gid);
	if (r < 0 || setresgid(account->gid, account->gid, account->gid) < 0 ||
	    setresuid(account->uid, account->uid, account->uid) < 0) {
		error_set(err, ERROR_SYSTEM, "cannot become user '%s': %s", account->name,
			  strerror(errno));
		return error_hint(err, "run the program as that user");
	}
	if (has_become(account))
		return 0;
	error_set(err, ERROR_SYSTEM, "cannot become user '%s': some of root's rights remain",
		  account->name);
	return error_hint(err, "remove that user from the group root");
}

int account_run_patience = 300000;

/* In the child. Its error is short enough for a pipe to take it at once. */
static void work_and_exit(const struct account *account, account_work work, void *context,
			  int output, int failure)
{
	FILE *stream = fdopen(output, "w");
	struct error err;
	int r;

	r = stream ? account_become(account, &err)
		   : error_set(&err, ERROR_SYSTEM, "cannot open a pipe: %s", strerror(errno));
	if (r == 0)
		r = work(stream, context, &err);
	if (r == 0 && fflush(stream) != 0)
		r = error_set(&err, ERROR_SYSTEM, "cannot write to a pipe: %s", strerror(errno));
	if (r < 0)
		dprintf(failure, "%s%c%s", err.text, '\0', err.hint);
	_exit(r == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Reads to the end, or until the deadline. Returns NULL, or what is wrong with the process. */
static const char *read_to_end(int fd, size_t limit, int64_t deadline, struct bytes *ret_bytes)
{
	char piece[65536];

	for (;;) {
		struct pollfd pipe = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - clock_now();
		ssize_t got;

		if (left <= 0)
			return arena_printf(ret_bytes->memory, "did not end within %d seconds",
					    account_run_patience / 1000);
		if (poll(&pipe, 1, (int)left) <= 0)
			continue;
		got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return NULL;
		if ((size_t)got > limit - ret_bytes->size)
			return arena_printf(ret_bytes->memory, "sent more than %zu bytes", limit);
		bytes_add(ret_bytes, piece, (size_t)got);
	}
}

/* The child may have closed what it writes to. */
static bool ends_before(pid_t pid, int64_t deadline)
{
	_cleanup_(closep) int fd = pidfd_open(pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };
	int64_t left = deadline - clock_now();

	return fd < 0 || poll(&end, 1, left > 0 ? (int)left : 0) > 0;
}

char *account_run(struct arena *memory, const struct account *account, account_work work,
		  void *context, size_t limit, size_t *ret_size, struct error *err)
{
	int output[2] = { -1, -1 }, failure[2] = { -1, -1 }, status = -1, error;
	struct bytes text = BYTES_IN(memory), reason = BYTES_IN(memory);
	int64_t deadline = clock_now() + account_run_patience;
	const char *end, *problem = NULL;
	pid_t pid = -1;

	if (pipe2(output, O_CLOEXEC) == 0 && pipe2(failure, O_CLOEXEC) == 0)
		pid = fork();
	error = errno;
	if (pid == 0)
		work_and_exit(account, work, context, output[1], failure[1]);
	closep(&output[1]);
	closep(&failure[1]);
	if (pid > 0) {
		problem = read_to_end(output[0], limit, deadline, &text);
		if (!problem)
			problem = read_to_end(failure[0], sizeof(err->text) + sizeof(err->hint),
					      deadline, &reason);
		if (problem || !ends_before(pid, deadline))
			kill(pid, SIGKILL);
		status = process_wait(pid);
	}
	closep(&output[0]);
	closep(&failure[0]);
	*ret_size = text.size;
	if (status == 0 && !problem)
		return arena_strndup(memory, bytes_text(&text), text.size);
	if (pid < 0) {
		error_set(err, ERROR_SYSTEM, "cannot start a process: %s", strerror(error));
	} else if (problem || !reason.size) {
		error_set(err, ERROR_SYSTEM, "the process that reads as user '%s' %s",
			  account->name, problem ? problem : "ended before it was done");
	} else {
		/* TEXT NUL HINT, unless the process was killed while it wrote. */
		end = memchr(bytes_text(&reason), '\0', reason.size);
		error_set(err, ERROR_STORE, "%s", bytes_text(&reason));
		error_hint(err, "%s", end ? end + 1 : "");
	}
	return NULL;
}
