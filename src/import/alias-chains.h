#pragma once

/*
 * Aliases of aliases. They are held in memory until the last is read; then each is followed to the
 * mailbox at its end:
 *
 *     postmaster@example.org   root@example.org
 *     root@example.org         alice
 *
 * gives both addresses the login alice. An address without an alias is looked up without its
 * extension and then as its domain's catch-all, as in Postfix. Where a chain ends at an address,
 * the login is the one that the daemon will send for it.
 */

#include "import/user-table.h"
#include "util/base.h"

struct chains;

struct chains *chains_new(struct user_table *table);
void chains_free(struct chains *chains);
DEFINE_CLEANUP(struct chains *, chains_free);

/* Adds an alias with its targets. A repeated alias with other targets is reported as a bad line. */
void chains_add(struct chains *chains, unsigned long line, const char *alias,
		const char *const *targets, size_t count);

/*
 * Gives each alias that ends at one mailbox to the table as a row, in the order of adding. Loops
 * are bad lines. Aliases that end at several targets, at a command, a file or a list, or at an
 * address of a domain that is not served here, are skipped. Returns 0 or -1 with err set.
 */
int chains_give(struct chains *chains, struct error *err);
