#pragma once

/* Landlock: a process takes rights to files away from itself (landlock(7)). */

#include "util/base.h"

/* A directory, and all below it, that stays readable; or one file. */
struct folder {
	const char *path;
	bool is_writable; /* files in it can be made, changed and removed too */
};

/* The version of Landlock that the kernel has; 0 with errno set for none. */
int landlock_version(void);

/*
 * Takes all files away from this thread, and from those that it starts, except the folders; folders
 * that do not exist are skipped. Version 4 and later also take away new TCP connections and ports,
 * version 6 and later signals to other processes and abstract sockets. Without PR_SET_NO_NEW_PRIVS
 * it needs CAP_SYS_ADMIN. Returns 0, or -1 with err set to the kernel's reason alone.
 */
int landlock_restrict(const struct folder *folders, size_t count, struct error *err);
