#pragma once

/* Landlock: a process takes rights to files away from itself (landlock(7)). */

#include <stdbool.h>
#include <stddef.h>

struct error;

/* A directory, and all below it, that stays readable; or one file. */
struct folder {
	const char *path;
	bool is_writable; /* files in it can be made, changed and removed too */
};

/* Which version of Landlock the kernel has; 0 for none. */
int landlock_version(void);

/* Takes all files away from this thread, and from those that it starts, but for the folders;
 * folders that do not exist are passed over. With version 4 and later TCP connections and ports go
 * too, unless they are open already; with version 6 and later signals to other processes and
 * abstract sockets. PR_SET_NO_NEW_PRIVS must be set. Returns 0, or -1 with err set. */
int landlock_restrict(const struct folder *folders, size_t count, struct error *err);
