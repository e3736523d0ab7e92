#pragma once

/* Makes the rows of a database equal to wanted ones, and writes only rows that differ. */

#include "mail/provider.h"
#include "store/bulk.h"
#include "util/base.h"

struct store;
struct texts;

enum reconcile_kind { RECONCILE_PROVIDERS, RECONCILE_DOMAINS, RECONCILE_USERS, RECONCILE_KINDS };

/* Gets a row that differs, as the commands of admin/export-commands.h: no commands before for a row
 * that is added, none after for one that is removed. */
typedef void (*difference_visitor)(const struct texts *before, const struct texts *after,
				   void *context);

/* Makes the rows of the store equal to those of another database, within a transaction. Calls visit
 * for the providers that differ, by name, then for the domains, then for the users. Counts per
 * reconcile_kind. Returns 0 or -1 with err set. */
int reconcile_installation(struct arena *memory, struct store *store, struct store *wanted,
			   difference_visitor visit, void *context, struct row_counts *ret_counts,
			   struct error *err);

/* Adds (before is NULL), removes (after is NULL) or updates one domain, if it differs, and counts
 * it. Aliases and their targets come in any order if store_defer_references() was called. Returns 0
 * or -1 with err set. */
int reconcile_domain(struct store *store, const struct domain *before, const struct domain *after,
		     struct row_counts *counts, struct error *err);
