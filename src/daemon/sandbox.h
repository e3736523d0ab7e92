#pragma once

/*
 * The sandbox that the daemon enters wherever it runs: it gives up the file system except its own
 * directories, and new TCP connections (Landlock); all system calls that a server does not make
 * (seccomp, where it was built with libseccomp); and core dumps.
 */

#include "config/settings.h"
#include "util/base.h"

/* Directories, and all below them, that stay readable; or single files. */
struct folders {
	struct arena *memory;
	struct folder {
		const char *path;
		bool is_writable; /* files in it can be made, changed and removed too */
	} * items;
	size_t count;
};

struct sandbox {
	/* What is in force, for the log: landlock=7 seccomp=yes core-dumps=no; and where a part is
	 * not, missing="PART (REASON), ...". */
	const char *text;
	/* The parts that the kernel, or what confines this process already, lacks or refuses, with
	 * the reasons; NULL for none. */
	const char *refused;
	bool has_landlock;
	struct folders folders; /* that can be used from in here */
};

/*
 * Enters it, for good; threads that start later are in it too. What can still be read: the
 * directories of the settings file and of all that the settings name, and those that links in there
 * lead to; of a directory of the system, such as /etc, only the files that are named. The
 * database's directory can be written to as well. A part that the kernel lacks or refuses is left
 * out. What it returns lives in memory. Returns 0, or -1 with err set where a part is left out and
 * the settings require all.
 */
int sandbox_enter(struct arena *memory, const struct settings *settings, const char *settings_file,
		  struct sandbox *ret_sandbox, struct error *err);

/* The directories and files that the settings name, and where links in them lead, in memory. */
struct folders sandbox_folders(struct arena *memory, const struct settings *settings,
			       const char *settings_file);

/* The first directory or file of what the settings name that cannot be read from in here, in
 * memory; NULL where there is none. */
const char *sandbox_misses(const struct sandbox *sandbox, struct arena *memory,
			   const struct settings *settings, const char *settings_file);

/* The version of Landlock that the kernel has; 0 with errno set for none. */
int landlock_version(void);

/*
 * Takes all files away from this thread, and from those that it starts, except the folders; folders
 * that do not exist are skipped (landlock(7)). Version 4 and later also take away new TCP
 * connections and ports, version 6 and later signals to other processes and abstract sockets.
 * Without PR_SET_NO_NEW_PRIVS it needs CAP_SYS_ADMIN. Returns 0, or -1 with err set to the kernel's
 * reason alone.
 */
int landlock_restrict(const struct folders *folders, struct error *err);

/* Whether this program was built with libseccomp. */
bool seccomp_is_available(void);

/*
 * Gives up all system calls but those that it needs, for this thread and those that it starts. Of
 * what stays, ioctl is limited to a few requests, memory cannot be made executable, and clone
 * starts threads in the same namespaces only. A call that is refused fails with ENOSYS where a C
 * library then takes another one, else with EPERM. Without PR_SET_NO_NEW_PRIVS it needs
 * CAP_SYS_ADMIN. Returns 0, or -1 with err set to the kernel's reason alone.
 */
int seccomp_restrict(struct error *err);
