/*
 * A merge join of the users put with the table, both in the order of the key. The cursor over the
 * table is open while rows are written, but only at or before its place, so that it returns none of
 * them but the row that it stands on.
 */

#include "store/bulk.h"

#include "store/database.h"

/* Rows of the table that are skipped one by one before the next wanted row is looked up. */
#define PASSED_OVER_MAX 32

/* SQLite's page cache, in KiB. A table that is written in order needs few pages at a time. */
#define CACHE_SIZE "-32768"

struct bulk {
	struct store *store;
	struct bulk_scope scope;
	size_t current;		   /* of the domains to be replaced */
	struct row_counts *totals; /* up to the end of each of these */
	struct row cursor;
	bool has_row;	      /* the cursor stands on one */
	struct bulk_user row; /* its values */
	struct row_counts counts;
	bulk_visitor visit; /* or NULL */
	void *context;
	struct arena memory;
	const char **touched; /* domains of users that were added or removed */
	size_t n_touched;
	int64_t *providers; /* of removed or changed users, each once */
	size_t n_providers;
};

/* Texts are valid until the cursor is moved. */
static int read_row(struct row *row, struct bulk *bulk, struct error *err)
{
	bulk->row = (struct bulk_user){
		.domain = row_text(row, 0),
		.local = row_text(row, 1),
		.login = row_text(row, 2),
		.name = row_text_or_null(row, 3),
		.provider = row_integer_or_null(row, 4, 1, INT64_MAX, 0),
		.moved_to = row_text_or_null(row, 5),
	};
	return row_check(row, err);
}

static int move_cursor(struct bulk *bulk, struct error *err)
{
	int r = row_next(&bulk->cursor, err);

	bulk->has_row = r == 0;
	if (r == STORE_NOT_FOUND)
		return 0;
	return r == 0 ? read_row(&bulk->cursor, bulk, err) : -1;
}

/* Moves the cursor to the first row at or after the key. */
static int move_cursor_to(struct bulk *bulk, const char *domain, const char *local,
			  struct error *err)
{
	row_close(&bulk->cursor);
	return row_open(bulk->store, NULL,
			SQL_OF(TABLE_USER, "reading users",
			       "SELECT domain, local, login, name, provider, moved_to FROM user "
			       "WHERE (domain, local) >= (?1, ?2) ORDER BY domain, local"),
			VALUES(TEXT_COPY(domain), TEXT_COPY(local)), &bulk->cursor, err) == 0
		       ? move_cursor(bulk, err)
		       : -1;
}

/* Compares the cursor's row with the key, like strcmp(). */
static int compare_row(const struct bulk *bulk, const char *domain, const char *local)
{
	int order = strcmp(bulk->row.domain, domain);

	return order ? order : strcmp(bulk->row.local, local);
}

int bulk_begin(struct store *store, const struct bulk_scope *scope, struct bulk **ret_bulk,
	       struct error *err)
{
	_cleanup_(bulk_freep) struct bulk *bulk = xnew(struct bulk);
	const char *first = scope->n_domains > 0 ? scope->domains[0] : "";

	bulk->store = store;
	bulk->scope = *scope;
	bulk->totals = xcalloc(scope->n_domains + 1, sizeof(*bulk->totals));
	if (store_execute(store, "PRAGMA cache_size = " CACHE_SIZE, err) != 0 ||
	    move_cursor_to(bulk, first, "", err) < 0)
		return -1;
	*ret_bulk = TAKE(bulk);
	return 0;
}

void bulk_free(struct bulk *bulk)
{
	if (!bulk)
		return;
	row_close(&bulk->cursor);
	arena_clear(&bulk->memory);
	free(bulk->totals);
	free(bulk->touched);
	free(bulk->providers);
	free(bulk);
}

void bulk_watch(struct bulk *bulk, bulk_visitor visit, void *context)
{
	bulk->visit = visit;
	bulk->context = context;
}

static void call_visitor(const struct bulk *bulk, const struct bulk_user *before,
			 const struct bulk_user *after)
{
	if (bulk->visit)
		bulk->visit(before, after, bulk->context);
}

/* Remembers the provider of a row that is removed or changed. */
static void note_provider(struct bulk *bulk)
{
	int64_t id = bulk->row.provider;

	if (id == 0)
		return;
	for (size_t i = bulk->n_providers; i > 0; i--)
		if (bulk->providers[i - 1] == id)
			return;
	bulk->providers = xrealloc(bulk->providers, bulk->n_providers + 1, sizeof(id));
	bulk->providers[bulk->n_providers++] = id;
}

/* Domains come in order. */
static void note_domain(struct bulk *bulk, const char *domain)
{
	size_t count = bulk->n_touched;

	if (count > 0 && text_equals(bulk->touched[count - 1], domain))
		return;
	if ((count & (count - 1)) == 0)
		bulk->touched = xrealloc(bulk->touched, count ? count * 2 : 1,
					 sizeof(*bulk->touched));
	bulk->touched[bulk->n_touched++] = arena_strdup(&bulk->memory, domain);
}

static int remove_row(struct bulk *bulk, struct error *err)
{
	call_visitor(bulk, &bulk->row, NULL);
	note_provider(bulk);
	note_domain(bulk, bulk->row.domain);
	bulk->counts.removed++;
	return store_run(bulk->store, REMOVE_USER,
			 VALUES(TEXT_COPY(bulk->row.domain), TEXT_COPY(bulk->row.local)), err) == 0
		       ? 0
		       : -1;
}

static int write_row(struct bulk *bulk, struct statement statement, const struct bulk_user *user,
		     struct error *err)
{
	return store_run(bulk->store, statement,
			 VALUES(TEXT(user->domain), TEXT(user->local), TEXT(user->login),
				TEXT(user->name),
				NUMBER_OR_NULL(user->provider != 0, user->provider),
				TEXT(user->moved_to)),
			 err) == 0
		       ? 0
		       : -1;
}

/* Copies the values to keep from the row to the user. Strings are the cursor's. */
static void fill_kept_values(const struct bulk *bulk, struct bulk_user *user)
{
	if (user->keeps_name)
		user->name = bulk->row.name;
	if (user->keeps_provider)
		user->provider = bulk->row.provider;
	if (user->keeps_moved_to)
		user->moved_to = bulk->row.moved_to;
}

static int update_row(struct bulk *bulk, const struct bulk_user *given, struct error *err)
{
	struct bulk_user user = *given;

	if (!user.login) {
		bulk->counts.unchanged++;
		return 0;
	}
	fill_kept_values(bulk, &user);
	if (text_same(user.login, bulk->row.login) && text_same(user.name, bulk->row.name) &&
	    user.provider == bulk->row.provider && text_same(user.moved_to, bulk->row.moved_to)) {
		bulk->counts.unchanged++;
		return 0;
	}
	call_visitor(bulk, &bulk->row, &user);
	if (user.provider != bulk->row.provider)
		note_provider(bulk);
	bulk->counts.changed++;
	return write_row(bulk,
			 SQL("writing a user",
			     "UPDATE user SET login = ?3, name = ?4, provider = ?5, moved_to = ?6 "
			     "WHERE domain = ?1 AND local = ?2"),
			 &user, err);
}

/* Removes the remaining rows of the domain from the cursor on, or all if it is NULL. */
static int remove_rest(struct bulk *bulk, const char *domain, struct error *err)
{
	while (bulk->has_row && (!domain || strcmp(bulk->row.domain, domain) == 0))
		if (remove_row(bulk, err) < 0 || move_cursor(bulk, err) < 0)
			return -1;
	return 0;
}

/* Finishes the domains to be replaced before this one, or all if it is NULL. */
static int finish_domains(struct bulk *bulk, const char *domain, struct error *err)
{
	const struct bulk_scope *scope = &bulk->scope;

	while (bulk->current < scope->n_domains &&
	       (!domain || strcmp(scope->domains[bulk->current], domain) < 0)) {
		if (remove_rest(bulk, scope->domains[bulk->current], err) < 0)
			return -1;
		bulk->totals[bulk->current++] = bulk->counts;
		if (bulk->current < scope->n_domains &&
		    move_cursor_to(bulk, scope->domains[bulk->current], "", err) < 0)
			return -1;
	}
	return 0;
}

/* Moves the cursor to the key or beyond it. Rows in between are removed if they are in scope. */
static int pass_rows_before(struct bulk *bulk, const struct bulk_user *user, struct error *err)
{
	bool removes = bulk->scope.is_all || bulk->scope.n_domains > 0;
	size_t passed = 0;

	while (bulk->has_row && compare_row(bulk, user->domain, user->local) < 0) {
		if (removes) {
			if (remove_row(bulk, err) < 0)
				return -1;
		} else if (++passed > PASSED_OVER_MAX) {
			return move_cursor_to(bulk, user->domain, user->local, err);
		}
		if (move_cursor(bulk, err) < 0)
			return -1;
	}
	return 0;
}

/* SQLite may return a changed row again, if the columns after the key have become greater. */
static int pass_row(struct bulk *bulk, const struct bulk_user *user, struct error *err)
{
	do {
		if (move_cursor(bulk, err) < 0)
			return -1;
	} while (bulk->has_row && compare_row(bulk, user->domain, user->local) == 0);
	return 0;
}

int bulk_put(struct bulk *bulk, const struct bulk_user *user, struct error *err)
{
	if (finish_domains(bulk, user->domain, err) < 0 || pass_rows_before(bulk, user, err) < 0)
		return -1;
	if (bulk->has_row && compare_row(bulk, user->domain, user->local) == 0)
		return update_row(bulk, user, err) < 0 ? -1 : pass_row(bulk, user, err);
	if (!user->login)
		return 0;
	call_visitor(bulk, NULL, user);
	bulk->counts.added++;
	note_domain(bulk, user->domain);
	return write_row(bulk,
			 SQL("writing a user",
			     "INSERT INTO user (domain, local, login, name, provider, moved_to) "
			     "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
			 user, err);
}

int bulk_end(struct bulk *bulk, struct row_counts *ret_counts, struct error *err)
{
	if (finish_domains(bulk, NULL, err) < 0 ||
	    (bulk->scope.is_all && remove_rest(bulk, NULL, err) < 0))
		return -1;
	row_close(&bulk->cursor);
	bulk->has_row = false;
	for (size_t i = 0; i < bulk->n_touched; i++)
		if (md5_follow_domain(bulk->store, bulk->touched[i], err) != 0)
			return -1;
	*ret_counts = bulk->counts;
	return 0;
}

struct row_counts bulk_counts_of(const struct bulk *bulk, size_t domain)
{
	const struct row_counts none = { 0 }, *after = &bulk->totals[domain];
	const struct row_counts *before = domain > 0 ? after - 1 : &none;

	return (struct row_counts){
		.added = after->added - before->added,
		.changed = after->changed - before->changed,
		.removed = after->removed - before->removed,
		.unchanged = after->unchanged - before->unchanged,
	};
}

int bulk_list_providers(struct bulk *bulk, struct arena *memory, const char ***ret_names,
			size_t *ret_count, struct error *err)
{
	const char **names = arena_array(memory, const char *, bulk->n_providers);

	for (size_t i = 0; i < bulk->n_providers; i++) {
		struct provider provider;

		if (provider_find_by_id(bulk->store, memory, bulk->providers[i], &provider, err) !=
		    0)
			return -1;
		names[i] = provider.name;
	}
	*ret_names = names;
	*ret_count = bulk->n_providers;
	return 0;
}

void store_tidy(struct store *store)
{
	sqlite3_exec(store->database, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}
