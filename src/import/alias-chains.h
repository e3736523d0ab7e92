#pragma once

/*
 * Aliases that lead to other aliases, held in memory until the last is read, and then each followed
 * to the mailbox at its end:
 *
 *     postmaster@example.org   root@example.org
 *     root@example.org         alice
 *
 * makes both addresses those of the login alice. An address that is no alias itself is looked for
 * without its tag and then as its domain's catch-all, as Postfix does. Where a chain ends at an
 * address, the login is the one that the daemon will give to it.
 */

#include <stddef.h>

#include "import/user-table.h"
#include "util/cleanup.h"

struct chains;

struct chains *chains_new(struct table *table);
void chains_free(struct chains *chains);
DEFINE_CLEANUP(struct chains *, chains_free);

/* Adds an alias with its targets, of which all but the first count only as being there. One that
 * is there already with other targets is told of as bad. */
void chains_add(struct chains *chains, unsigned long line, const char *alias,
		const char *const *targets, size_t count);

/*
 * Gives each alias that ends at one mailbox to the table as a row, in the order of adding. Circles
 * are bad lines. What ends at several targets, at a command, a file or a list, or at an address of
 * a domain that is not served here, is skipped. Returns 0 or -1 with err set.
 */
int chains_give(struct chains *chains, struct error *err);
