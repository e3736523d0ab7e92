#pragma once

/* Accounts of the operating system: whose rights this process has, and how root gives up its own.
 */

#include <sys/types.h>

#include "util/base.h"

struct account {
	const char *name; /* "#UID" for one without an entry in passwd */
	uid_t uid;
	gid_t gid;
};

/* Finds an account to become: any but root. Returns 0, or -1 with err set. */
int account_find(struct arena *memory, const char *name, struct account *ret_account,
		 struct error *err);

/*
 * Finds the account whose rights suffice for files in the directory of this file: as root the one
 * that controls the directory (see directory_find_owner()), otherwise our own. Where the file is a
 * link, it is the directory of what that leads to. It is root only if no other user can change the
 * target of the path. Returns 0, or -1 with err set: as root, if several users can.
 */
int account_of_directory(struct arena *memory, const char *file, struct account *ret_account,
			 struct error *err);

/* The name of the account that this process has. In memory. */
const char *account_name(struct arena *memory);

/* Sets the hint: what a person can do who must not use the file, or not write to it. Returns -1. */
int account_hint(struct error *err, const char *file, bool for_writing);

/* Gives this process the account's user, group and supplementary groups, irrevocably: none of
 * root's rights remain. Does nothing where it has that user already. Returns 0, or -1 with err set.
 */
int account_become(const struct account *account, struct error *err);

/*
 * Runs the work in a child process with the rights of the account, for a program that has to remain
 * root itself. What the work writes to its output is returned: treat it as untrusted input, because
 * a file that the account controls may have taken over the child. Returns the text, followed by a
 * NUL that is not counted, in memory; or NULL with err set: to the error of the work, because
 * the output has more than limit bytes, or because the child did not end in time and was killed: it
 * can wait forever where the account has put a FIFO in the place of a file.
 */
typedef int (*account_work)(FILE *output, void *context, struct error *err);
char *account_run(struct arena *memory, const struct account *account, account_work work,
		  void *context, size_t limit, size_t *ret_size, struct error *err);

/* How long account_run() waits, in ms. Only tests change it. */
extern int account_run_patience;
