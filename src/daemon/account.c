#include "daemon/account.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/error.h"

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
				 "--user: there is no user '%s'; name one that there is, or make "
				 "it with 'useradd --system'",
				 name);
	if (entry->pw_uid == 0)
		return error_set(err, ERROR_USAGE,
				 "--user: '%s' has all the rights that the service is to lose; "
				 "name a user of its own, such as mailconfd",
				 name);
	*ret_account = account_of(memory, entry);
	return 0;
}

bool account_owns(struct arena *memory, const char *file, struct account *ret_account)
{
	const struct passwd *entry;
	struct stat status;

	if (stat(dirname(arena_strdup(memory, file)), &status) < 0 || status.st_uid == 0)
		return false;
	entry = getpwuid(status.st_uid);
	if (entry)
		*ret_account = account_of(memory, entry);
	return entry != NULL;
}

const char *account_name(struct arena *memory)
{
	const struct passwd *entry = getpwuid(geteuid());

	return entry ? arena_strdup(memory, entry->pw_name)
		     : arena_printf(memory, "%lu", (unsigned long)geteuid());
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
static bool is_wholly(const struct account *account)
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

int account_become(const struct account *account, struct error *err)
{
	if (geteuid() == account->uid && getuid() == account->uid)
		return 0;
	if (geteuid() != 0)
		return error_set(err, ERROR_USAGE, "--user: only root can become '%s'",
				 account->name);
	if (initgroups(account->name, account->gid) < 0 ||
	    setresgid(account->gid, account->gid, account->gid) < 0 ||
	    setresuid(account->uid, account->uid, account->uid) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot become user '%s': %s", account->name,
				 strerror(errno));
	if (!is_wholly(account))
		return error_set(err, ERROR_SYSTEM,
				 "as user '%s' some of root's rights are left: its groups must not "
				 "have root among them",
				 account->name);
	return 0;
}
