#pragma once

/* seccomp: a process gives up all system calls but those that it needs. */

#include <stdbool.h>

struct error;

/* Whether this program can: it was built with libseccomp. */
bool seccomp_is_available(void);

/* Gives them up for this thread and those that it starts: what is not on the list fails with EPERM.
 * PR_SET_NO_NEW_PRIVS must be set. * Returns 0, or -1 with err set. */
int seccomp_restrict(struct error *err);
