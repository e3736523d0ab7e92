#include "store/database.h"

struct user user_read(struct row *row)
{
	const char *local = row_text(row, 1), *domain = row_text(row, 0);
	size_t length = strlen(local), rest = strlen(domain);
	/* Faster than arena_printf(), for each lookup. */
	char *address = arena_alloc(row->memory, length + 1 + rest + 1);

	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the '@' follows */
	memcpy(address, local, length);
	address[length] = '@';
	memcpy(address + length + 1, domain, rest + 1);
	return (struct user){
		.address = address,
		.login = row_text(row, 2),
		.name = row_text_or_null(row, 3),
		.provider = row_text_or_null(row, 4),
		.provider_id = row_integer_or_null(row, 5, 1, INT64_MAX, 0),
		.moved_to = row_text_or_null(row, 6),
	};
}

/* "local@domain" as the first two parameters. */
#define DOMAIN_OF(address) TEXT(strrchr((address), '@') + 1)
#define LOCAL_OF(address) TEXT_PART((address), strrchr((address), '@') - (address))

int store_find_user(struct store *store, struct arena *memory, const char *address,
		    struct user *ret_user, struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_find(store, memory, FIND_USERS, VALUES(DOMAIN_OF(address), LOCAL_OF(address)),
			 &row, err);

	/* The catch-all follows the user. */
	if (r == 0 && *address != '@' && !*row_text(&row, 1))
		return STORE_NOT_FOUND;
	if (r != 0)
		return r;
	*ret_user = user_read(&row);
	return row_check(&row, err);
}

/* An unknown name becomes 0, which no provider has as its id, so that the reference is refused. */
#define USER_PROVIDER                     \
	"CASE WHEN ?5 IS NULL THEN NULL " \
	"ELSE ifnull((SELECT id FROM provider WHERE name = ?5), 0) END"

static int write_user(struct store *store, struct statement statement, const struct user *user,
		      struct error *err)
{
	return store_run_on_row(store, statement,
				VALUES(DOMAIN_OF(user->address), LOCAL_OF(user->address),
				       TEXT(user->login), TEXT(user->name), TEXT(user->provider),
				       TEXT(user->moved_to)),
				err);
}

int store_add_user(struct store *store, const struct user *user, struct error *err)
{
	int r = write_user(store,
			   SQL("adding a user",
			       "INSERT INTO user (domain, local, login, name, provider, moved_to) "
			       "VALUES (?1, ?2, ?3, ?4, " USER_PROVIDER ", ?6)"),
			   user, err);

	return r == 0 ? md5_follow_user(store, user->address, err) : r;
}

int store_update_user(struct store *store, const struct user *user, struct error *err)
{
	return write_user(store,
			  SQL("changing a user",
			      "UPDATE user SET login = ?3, name = ?4, provider = " USER_PROVIDER
			      ", moved_to = ?6 WHERE domain = ?1 AND local = ?2"),
			  user, err);
}

int store_remove_user(struct store *store, const char *address, struct error *err)
{
	int r = store_run_on_row(store, REMOVE_USER, VALUES(DOMAIN_OF(address), LOCAL_OF(address)),
				 err);

	return r == 0 ? md5_follow_user(store, address, err) : r;
}

static int visit_rows(struct store *store, struct statement statement,
		      const struct sql_value *values, user_visitor visit, void *context,
		      struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_open(store, NULL, statement, values, &row, err);

	while (r == 0 && (r = row_next(&row, err)) == 0) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct user user;

		/* cppcheck-suppress autoVariables ; the row is read again with another memory */
		row.memory = &memory;
		user = user_read(&row);
		r = row_check_in_list(&row, err);
		if (r == ROW_SKIPPED)
			r = 0;
		else if (r == 0 && (r = visit(&user, context, err)) != 0)
			return r;
	}
	return r == STORE_NOT_FOUND ? 0 : r;
}

/* A filter that is not bound is NULL and fits everything. By provider it is without the OR, so that
 * the index is used. */
#define WITH_LOGIN "(?2 IS NULL OR user.login = ?2) AND "
#define OF_PROVIDER "user.provider = (SELECT id FROM provider WHERE name = ?3)"
#define USER_FILTER WITH_LOGIN "(?3 IS NULL OR " OF_PROVIDER ")"

#define FILTER_VALUES(filter) \
	VALUES(TEXT((filter)->domain), TEXT((filter)->login), TEXT((filter)->provider))

int store_visit_users(struct store *store, const struct user_filter *filter, user_visitor visit,
		      void *context, struct error *err)
{
	struct statement statement =
		filter->domain	   ? SQL_OF(TABLE_USER, "listing users",
					    "SELECT " USER_COLUMNS " WHERE domain = ?1 AND " USER_FILTER
					    " ORDER BY local")
		: filter->provider ? SQL_OF(TABLE_USER, "listing users",
					    "SELECT " USER_COLUMNS " WHERE " WITH_LOGIN OF_PROVIDER
					    " ORDER BY domain, local")
				   : SQL_OF(TABLE_USER, "listing users",
					    "SELECT " USER_COLUMNS " WHERE " USER_FILTER
					    " ORDER BY domain, local");

	return visit_rows(store, statement, FILTER_VALUES(filter), visit, context, err);
}

int store_visit_moved_users(struct store *store, user_visitor visit, void *context,
			    struct error *err)
{
	return visit_rows(store,
			  SQL_OF(TABLE_USER, "listing users",
				 "SELECT " USER_COLUMNS " WHERE moved_to IS NOT NULL "
				 "ORDER BY domain, local"),
			  NULL, visit, context, err);
}

int store_has_moved_users(struct store *store, const char *domain, bool *ret_has, struct error *err)
{
	return store_read_truth(store,
				SQL("looking for users",
				    "SELECT EXISTS (SELECT 1 FROM user WHERE domain = ?1 "
				    "AND moved_to IS NOT NULL)"),
				VALUES(TEXT(domain)), ret_has, err);
}

int store_count_users(struct store *store, const struct user_filter *filter, int64_t *ret_count,
		      struct error *err)
{
	struct statement statement =
		filter->domain
			? SQL("counting users", "SELECT count(*) FROM user WHERE domain = ?1 "
						"AND " USER_FILTER)
		: filter->provider
			? SQL("counting users",
			      "SELECT count(*) FROM user WHERE " WITH_LOGIN OF_PROVIDER)
			: SQL("counting users", "SELECT count(*) FROM user WHERE " USER_FILTER);

	return store_read_number(store, statement, FILTER_VALUES(filter), ret_count, err);
}

int store_remove_users(struct store *store, const char *domain, int64_t *ret_count,
		       struct error *err)
{
	int r = store_run(store, SQL("removing users", "DELETE FROM user WHERE domain = ?1"),
			  VALUES(TEXT(domain)), err);

	if (r != 0)
		return r;
	*ret_count = sqlite3_changes64(store->database);
	return md5_follow_domain(store, domain, err);
}

int store_rename_login(struct store *store, const char *before, const char *after,
		       int64_t *ret_count, struct error *err)
{
	int r = store_run(store,
			  SQL("changing users", "UPDATE user SET login = ?2 WHERE login = ?1"),
			  VALUES(TEXT(before), TEXT(after)), err);

	if (r == 0)
		*ret_count = sqlite3_changes64(store->database);
	return r;
}
