#pragma once

/*
 * Merges users, by the million, with those of the database. They are put in the order of the key,
 * by domain and then local part, each once. Only rows that differ are written.
 *
 *     bulk_begin(store, &scope, &bulk, err)      within a transaction
 *     bulk_put(bulk, &user, err)                 for each user
 *     bulk_end(bulk, &counts, err)
 */

#include "util/base.h"

struct bulk;
struct store;

/* Which users are removed unless they are put: none, those of some domains, or all. With domains,
 * users of other domains must not be put. */
struct bulk_scope {
	const char *const *domains; /* by name, each once */
	size_t n_domains;
	bool is_all;
};

struct bulk_user {
	const char *domain, *local; /* in their normal form; local is "" for the catch-all */
	const char *login;	    /* NULL: a present user stays unchanged, none is added */
	const char *name;	    /* or NULL */
	int64_t provider;	    /* its id, 0 for that of the domain */
	const char *moved_to;	    /* or NULL */

	/* Values of a present user that stay unchanged. */
	bool keeps_name, keeps_provider, keeps_moved_to;
};

/* What became of rows. */
struct row_counts {
	int64_t added, changed, removed, unchanged;
};

/* How many there were. */
static inline int64_t row_counts_before(const struct row_counts *counts)
{
	return counts->changed + counts->removed + counts->unchanged;
}

/* Gets a user who is about to be added (before is NULL), changed, or removed (after is NULL). */
typedef void (*bulk_visitor)(const struct bulk_user *before, const struct bulk_user *after,
			     void *context);

/* Borrows the domains of the scope. All return 0 or -1 with err set. */
int bulk_begin(struct store *store, const struct bulk_scope *scope, struct bulk **ret_bulk,
	       struct error *err);
void bulk_watch(struct bulk *bulk, bulk_visitor visit, void *context);
int bulk_put(struct bulk *bulk, const struct bulk_user *user, struct error *err);
int bulk_end(struct bulk *bulk, struct row_counts *ret_counts, struct error *err);

/* After bulk_end(): the counts of one of the scope's domains. */
struct row_counts bulk_counts_of(const struct bulk *bulk, size_t domain);
void bulk_free(struct bulk *bulk);
DEFINE_CLEANUP(struct bulk *, bulk_free);

/* Writes the WAL, which is large after a large transaction, into the database and truncates it,
 * unless a reader blocks that for longer than a writer waits. Outside of transactions. */
void store_tidy(struct store *store);
