#pragma once

/* seccomp: a process gives up all system calls but those that it needs. */

#include "util/base.h"

/* Whether this program was built with libseccomp. */
bool seccomp_is_available(void);

/*
 * Gives them up for this thread and those that it starts. Of what stays, ioctl is limited to a few
 * requests, memory cannot be made executable, and clone starts threads in the same namespaces only.
 * A call that is refused fails with ENOSYS where a C library then takes another one, else with
 * EPERM. Without PR_SET_NO_NEW_PRIVS it needs CAP_SYS_ADMIN. Returns 0, or -1 with err set to the
 * kernel's reason alone.
 */
int seccomp_restrict(struct error *err);
