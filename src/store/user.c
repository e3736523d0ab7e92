#include "store/user.h"

#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

struct user user_read(struct row *row)
{
	(void)row_integer_or_null(row, 5, 1, INT64_MAX, 0); /* the provider's id */
	return (struct user){
		.address = arena_printf(row->memory, "%s@%s", row_text(row, 1), row_text(row, 0)),
		.login = row_text(row, 2),
		.name = row_text_or_null(row, 3),
		.provider = row_text_or_null(row, 4),
		.moved_to = row_text_or_null(row, 6),
	};
}

/* Binds "local@domain" as its two parts to the first two parameters. */
static void bind_address(struct arena *memory, sqlite3_stmt *query, const char *address)
{
	const char *at = strrchr(address, '@');

	query_bind_text(query, 1, at + 1);
	query_bind_text(query, 2, arena_strndup(memory, address, (size_t)(at - address)));
}

static int found(struct store *store)
{
	return sqlite3_changes(store->database) > 0 ? 0 : STORE_NOT_FOUND;
}

int store_find_user(struct store *store, struct arena *memory, const char *address,
		    struct user *ret_user, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	const char *at = strrchr(address, '@');
	const char *local = arena_strndup(memory, address, (size_t)(at - address));
	int r;

	r = query_begin(store, FIND_USERS, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, at + 1);
	query_bind_text(query, 2, local);
	while ((r = sqlite3_step(query)) == SQLITE_ROW) {
		struct row row = row_begin(store, memory, query, TABLE_USER);
		struct user user;

		if (!text_equals(row_text(&row, 1), local))
			continue;
		user = user_read(&row);
		if (row_end(&row, err) < 0)
			return -1;
		*ret_user = user;
		return 0;
	}
	return r == SQLITE_DONE ? STORE_NOT_FOUND : store_fail(store, err, "looking up a user");
}

static int write_user(struct store *store, enum statement statement, const struct user *user,
		      const char *doing, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, statement, &query, err);
	if (r != 0)
		return r;
	bind_address(&memory, query, user->address);
	query_bind_text(query, 3, user->login);
	query_bind_text(query, 4, user->name);
	query_bind_text(query, 5, user->provider);
	query_bind_text(query, 6, user->moved_to);
	return query_run(store, query, doing, err);
}

int store_add_user(struct store *store, const struct user *user, struct error *err)
{
	int r = write_user(store, ADD_USER, user, "adding a user", err);

	return r == 0 ? md5_follow_user(store, user->address, err) : r;
}

int store_update_user(struct store *store, const struct user *user, struct error *err)
{
	int r = write_user(store, UPDATE_USER, user, "changing a user", err);

	return r == 0 ? found(store) : r;
}

int store_remove_user(struct store *store, const char *address, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, REMOVE_USER, &query, err);
	if (r != 0)
		return r;
	bind_address(&memory, query, address);
	r = query_run(store, query, "removing a user", err);
	if (r == 0)
		r = found(store);
	return r == 0 ? md5_follow_user(store, address, err) : r;
}

static int filter_begin(struct store *store, const struct user_filter *filter,
			enum statement of_all, enum statement of_domain, sqlite3_stmt **ret_query,
			struct error *err)
{
	int r;

	r = query_begin(store, filter->domain ? of_domain : of_all, ret_query, err);
	if (r != 0)
		return r;
	query_bind_text(*ret_query, 1, filter->domain);
	query_bind_text(*ret_query, 2, filter->login);
	query_bind_text(*ret_query, 3, filter->provider);
	return 0;
}

static int visit_rows(struct store *store, sqlite3_stmt *query, user_visitor visit, void *context,
		      struct error *err)
{
	int r, step;

	while ((step = sqlite3_step(query)) == SQLITE_ROW) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct row row = row_begin(store, &memory, query, TABLE_USER);
		struct user user = user_read(&row);

		r = row_end_in_list(&row, err);
		if (r == ROW_SKIPPED)
			continue;
		if (r == 0)
			r = visit(&user, context, err);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_fail(store, err, "listing users");
}

int store_visit_users(struct store *store, const struct user_filter *filter, user_visitor visit,
		      void *context, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r = filter_begin(store, filter, filter->provider ? LIST_USERS_OF_PROVIDER : LIST_USERS,
			     LIST_USERS_OF_DOMAIN, &query, err);

	return r == 0 ? visit_rows(store, query, visit, context, err) : r;
}

int store_visit_moved_users(struct store *store, user_visitor visit, void *context,
			    struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r = query_begin(store, LIST_MOVED_USERS, &query, err);

	return r == 0 ? visit_rows(store, query, visit, context, err) : r;
}

int store_has_moved_users(struct store *store, const char *domain, bool *ret_has, struct error *err)
{
	return query_truth(store, HAS_MOVED_USERS, domain, ret_has, "looking for users", err);
}

int store_count_users(struct store *store, const struct user_filter *filter, int64_t *ret_count,
		      struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	struct row row;
	int r;

	r = filter_begin(store, filter, filter->provider ? COUNT_USERS_OF_PROVIDER : COUNT_USERS,
			 COUNT_USERS_OF_DOMAIN, &query, err);
	if (r != 0)
		return r;
	if (sqlite3_step(query) != SQLITE_ROW)
		return store_fail(store, err, "counting users");
	row = row_begin(store, NULL, query, TABLE_NAMES);
	*ret_count = row_integer(&row, 0, 0, INT64_MAX);
	return row_end(&row, err);
}

int store_remove_users(struct store *store, const char *domain, int64_t *ret_count,
		       struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, REMOVE_USERS, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, domain);
	r = query_run(store, query, "removing users", err);
	if (r != 0)
		return r;
	*ret_count = sqlite3_changes64(store->database);
	return md5_follow_domain(store, domain, err);
}

int store_rename_login(struct store *store, const char *before, const char *after,
		       int64_t *ret_count, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, RENAME_LOGIN, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, before);
	query_bind_text(query, 2, after);
	r = query_run(store, query, "changing users", err);
	if (r == 0)
		*ret_count = sqlite3_changes64(store->database);
	return r;
}

/* Each step jumps over all users of one domain. In a corrupted table the next one need not come
 * later, and there would be no end. */
static int next_user_domain(struct store *store, struct arena *memory, const char *after,
			    const char **ret_domain, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	const char *domain;
	struct row row;
	int r;

	r = query_begin(store, NEXT_USER_DOMAIN, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, after);
	if (sqlite3_step(query) != SQLITE_ROW)
		return store_fail(store, err, "listing users");
	row = row_begin(store, memory, query, TABLE_NAMES);
	domain = row_text_or_null(&row, 0);
	if (domain && strcmp(domain, after) <= 0)
		row_reject(&row, 0, "is out of order");
	if (row_end(&row, err) < 0)
		return -1;
	*ret_domain = domain;
	return 0;
}

int store_list_user_domains(struct store *store, struct arena *memory, const char ***ret_domains,
			    size_t *ret_count, struct error *err)
{
	_cleanup_(freep) const char **list = NULL;
	const char *domain = "";
	size_t count = 0;
	int r;

	for (;;) {
		r = next_user_domain(store, memory, domain, &domain, err);
		if (r != 0)
			return r;
		if (!domain)
			break;
		if ((count & (count - 1)) == 0)
			list = xrealloc(list, count ? count * 2 : 1, sizeof(*list));
		list[count++] = domain;
	}
	*ret_domains = arena_array(memory, const char *, count);
	if (count)
		memcpy(*ret_domains, list, count * sizeof(*list));
	*ret_count = count;
	return 0;
}
