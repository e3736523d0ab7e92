#pragma once

/* The account of the operating system that the service runs as. */

#include <stdbool.h>
#include <sys/types.h>

struct arena;
struct error;

struct account {
	const char *name;
	uid_t uid;
	gid_t gid;
};

/* Finds an account to become: any but root. Returns 0, or -1 with err set. */
int account_find(struct arena *memory, const char *name, struct account *ret_account,
		 struct error *err);

/* Finds the account that owns the directory of the file: where the database lies, that is the
 * service's. Returns whether there is one, and it is not root. */
bool account_owns(struct arena *memory, const char *file, struct account *ret_account);

/* The name of the account that this process has, or its number, in memory. */
const char *account_name(struct arena *memory);

/* Makes this process the account's, with its groups, for good: nothing of root is left. Does
 * nothing where it is the account's already. Returns 0, or -1 with err set. */
int account_become(const struct account *account, struct error *err);
