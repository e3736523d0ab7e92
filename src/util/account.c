#include "util/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/directory.h"

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

	if (!entry)
		return error_set(err, ERROR_USAGE,
				 "--user: user '%s' does not exist; name another one, or create it "
				 "with 'useradd --system %s'",
				 name, name);
	if (entry->pw_uid == 0)
		return error_set(err, ERROR_USAGE,
				 "--user: '%s' has all rights of root; name an unprivileged user, "
				 "such as mailconfd",
				 name);
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

/* Where the link leads; NULL where the file is none. */
static const char *target_of(struct arena *memory, const char *file)
{
	char target[PATH_MAX];
	ssize_t length = readlink(file, target, sizeof(target) - 1);

	if (length <= 0)
		return NULL;
	target[length] = '\0';
	return *target == '/'
		       ? arena_strdup(memory, target)
		       : arena_printf(memory, "%s/%s", dirname(arena_strdup(memory, file)), target);
}

/* SQLite follows links, and recovers what is beside the file at the end of them. Only links of root
 * are read here, so that they cannot be changed meanwhile. */
static int find_owner(struct arena *memory, const char *file, uid_t *ret_uid, gid_t *ret_gid,
		      struct error *err)
{
	const char *next = file;

	for (unsigned int i = 0; i <= LINKS_MAX; i++) {
		if (directory_find_owner(dirname(arena_strdup(memory, next)), ret_uid, ret_gid,
					 err) < 0)
			return -1;
		next = *ret_uid == 0 ? target_of(memory, next) : NULL;
		if (!next)
			return 0;
	}
	return error_set(err, ERROR_SYSTEM, "cannot open '%s': %s", file, strerror(ELOOP));
}

int account_of_directory(struct arena *memory, const char *file, struct account *ret_account,
			 struct error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0 && find_owner(memory, file, &uid, &gid, err) < 0)
		return -1;
	*ret_account = account_of_uid(memory, uid, gid);
	return 0;
}

const char *account_name(struct arena *memory)
{
	return account_of_uid(memory, geteuid(), getegid()).name;
}

static const char *group_name(struct arena *memory, gid_t gid)
{
	const struct group *entry = getgrgid(gid);

	return entry ? arena_strdup(memory, entry->gr_name)
		     : arena_printf(memory, "%lu", (unsigned long)gid);
}

const char *account_remedy(struct arena *memory, const char *file, bool for_writing)
{
	struct stat directory, status;

	if (stat(dirname(arena_strdup(memory, file)), &directory) < 0)
		return "run the command with sudo";
	if (directory.st_uid == geteuid() && lstat(file, &status) == 0 &&
	    status.st_uid != geteuid())
		return arena_printf(
			memory,
			"it belongs to '%s', and its directory to '%s': run 'chown -h %s "
			"%s' as root",
			account_of_uid(memory, status.st_uid, 0).name, account_name(memory),
			account_name(memory), file);
	if (for_writing)
		return arena_printf(memory, "run the command with sudo, or as user '%s'",
				    account_of_uid(memory, directory.st_uid, 0).name);
	return arena_printf(memory, "run the command with sudo, or as a member of the group '%s'",
			    group_name(memory, directory.st_gid));
}

static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return true;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted)
			return true;
	return false;
}

/* All that a mistake above could leave: an identity that was saved, root's groups, capabilities
 * that stay by a securebit. */
static bool has_become(const struct account *account)
{
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
	return !has_capabilities() && setuid(0) < 0;
}

static int set_groups(const struct account *account)
{
	return *account->name == '#' ? setgroups(1, &account->gid)
				     : initgroups(account->name, account->gid);
}

int account_become(const struct account *account, struct error *err)
{
	if (geteuid() == account->uid && getuid() == account->uid)
		return 0;
	if (geteuid() != 0)
		return error_set(err, ERROR_USAGE, "cannot become user '%s': only root can",
				 account->name);
	if (set_groups(account) < 0 || setresgid(account->gid, account->gid, account->gid) < 0 ||
	    setresuid(account->uid, account->uid, account->uid) < 0)
		return error_set(err, ERROR_SYSTEM,
				 "cannot become user '%s': %s; run the program as that user",
				 account->name, strerror(errno));
	if (!has_become(account))
		return error_set(err, ERROR_SYSTEM,
				 "cannot become user '%s': some of root's rights remain; remove "
				 "that user from the group root",
				 account->name);
	return 0;
}

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

/* Reads to the end. Returns false where there is more than the limit. */
static bool read_to_end(int fd, size_t limit, struct bytes *ret_bytes)
{
	char piece[65536];
	ssize_t got;

	for (;;) {
		got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		if ((size_t)got > limit - ret_bytes->size)
			return false;
		bytes_add(ret_bytes, piece, (size_t)got);
	}
}

static bool has_succeeded(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static int collect_output(pid_t pid, const struct account *account, int output, int failure,
			  size_t limit, struct bytes *text, struct error *err)
{
	struct bytes reason = BYTES_IN(text->memory);
	bool is_whole = read_to_end(output, limit, text);
	const char *end;

	if (!is_whole)
		(void)kill(pid, SIGKILL);
	(void)read_to_end(failure, sizeof(err->text) + sizeof(err->hint), &reason);
	if (has_succeeded(pid) && is_whole)
		return 0;
	if (!is_whole)
		return error_set(err, ERROR_SYSTEM,
				 "the process that reads as user '%s' sent more than %zu bytes",
				 account->name, limit);
	if (!reason.size)
		return error_set(err, ERROR_SYSTEM,
				 "the process that reads as user '%s' ended before it was done",
				 account->name);
	/* TEXT NUL HINT, unless the process was killed while it wrote. */
	end = memchr(bytes_text(&reason), '\0', reason.size);
	error_set(err, ERROR_STORE, "%s", bytes_text(&reason));
	return error_hint(err, "%s", end ? end + 1 : "");
}

char *account_run(struct arena *memory, const struct account *account, account_work work,
		  void *context, size_t limit, size_t *ret_size, struct error *err)
{
	int output[2] = { -1, -1 }, failure[2] = { -1, -1 }, r = -1;
	struct bytes text = BYTES_IN(memory);
	pid_t pid = -1;

	if (pipe2(output, O_CLOEXEC) == 0 && pipe2(failure, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		work_and_exit(account, work, context, output[1], failure[1]);
	if (pid < 0)
		error_set(err, ERROR_SYSTEM, "cannot start a process: %s", strerror(errno));
	closep(&output[1]);
	closep(&failure[1]);
	if (pid > 0)
		r = collect_output(pid, account, output[0], failure[0], limit, &text, err);
	closep(&output[0]);
	closep(&failure[0]);
	*ret_size = text.size;
	return r == 0 ? arena_strndup(memory, bytes_text(&text), text.size) : NULL;
}
