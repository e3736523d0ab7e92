/*
 * A merge join of the users put with the table, both in the order of the key. The cursor over the
 * table is open while rows are written, but only at or before its place, so that it returns none of
 * them but the row that it stands on.
 */

#include "store/bulk.h"

#include "store/database.h"
#include "util/string-list.h"

/* Rows of the table that are skipped one by one before the next wanted row is looked up. */
#define PASSED_OVER_MAX 32

/* SQLite's page cache, in KiB. A table that is written in order needs few pages at a time. */
#define CACHE_SIZE "-32768"

struct bulk {
	struct store *store;
	struct bulk_scope scope;
	size_t current;		   /* of the domains to be replaced */
	struct row_counts *counts; /* of each of these, and of users without one */
	struct row cursor;
	bool has_row;	      /* the cursor stands on one */
	struct bulk_user row; /* its values; texts are valid until it is moved */
	bulk_visitor visit;   /* or NULL */
	void *context;
	struct arena memory;
	struct texts touched; /* domains of users that were added or removed */
};

static int move_cursor(struct bulk *bulk, struct error *err)
{
	struct row *row = &bulk->cursor;
	int r = row_next(row, err);

	bulk->has_row = r == 0;
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : -1;
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
	bulk->counts = xcalloc(scope->n_domains + 1, sizeof(*bulk->counts));
	bulk->touched.memory = &bulk->memory;
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
	free(bulk->counts);
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

/* Domains come in order. */
static void note_domain(struct bulk *bulk, const char *domain)
{
	struct texts *touched = &bulk->touched;

	if (touched->count == 0 || !text_equals(touched->items[touched->count - 1], domain))
		texts_add(touched, arena_strdup(touched->memory, domain));
}

static int remove_row(struct bulk *bulk, struct error *err)
{
	call_visitor(bulk, &bulk->row, NULL);
	note_domain(bulk, bulk->row.domain);
	bulk->counts[bulk->current].removed++;
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

static int update_row(struct bulk *bulk, const struct bulk_user *given, struct error *err)
{
	const struct bulk_user *row = &bulk->row;
	struct bulk_user user = *given;

	if (user.keeps_name)
		user.name = row->name;
	if (user.keeps_provider)
		user.provider = row->provider;
	if (user.keeps_moved_to)
		user.moved_to = row->moved_to;
	if (!user.login ||
	    (text_same(user.login, row->login) && text_same(user.name, row->name) &&
	     user.provider == row->provider && text_same(user.moved_to, row->moved_to))) {
		bulk->counts[bulk->current].unchanged++;
		return 0;
	}
	call_visitor(bulk, row, &user);
	bulk->counts[bulk->current].changed++;
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
		if (++bulk->current < scope->n_domains &&
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

int bulk_put(struct bulk *bulk, const struct bulk_user *user, struct error *err)
{
	if (finish_domains(bulk, user->domain, err) < 0 || pass_rows_before(bulk, user, err) < 0)
		return -1;
	if (bulk->has_row && compare_row(bulk, user->domain, user->local) == 0) {
		if (update_row(bulk, user, err) < 0)
			return -1;
		/* SQLite may return a changed row again, if the columns after the key have become
		 * greater. */
		do {
			if (move_cursor(bulk, err) < 0)
				return -1;
		} while (bulk->has_row && compare_row(bulk, user->domain, user->local) == 0);
		return 0;
	}
	if (!user->login)
		return 0;
	call_visitor(bulk, NULL, user);
	bulk->counts[bulk->current].added++;
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
	for (size_t i = 0; i < bulk->touched.count; i++)
		if (md5_follow_domain(bulk->store, bulk->touched.items[i], err) != 0)
			return -1;
	*ret_counts = (struct row_counts){ 0 };
	for (size_t i = 0; i <= bulk->scope.n_domains; i++) {
		ret_counts->added += bulk->counts[i].added;
		ret_counts->changed += bulk->counts[i].changed;
		ret_counts->removed += bulk->counts[i].removed;
		ret_counts->unchanged += bulk->counts[i].unchanged;
	}
	return 0;
}

struct row_counts bulk_counts_of(const struct bulk *bulk, size_t domain)
{
	return bulk->counts[domain];
}

void store_tidy(struct store *store)
{
	sqlite3_exec(store->database, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}
