
#include "store/database.h"
#include "store/row.h"
#include "util/base.h"

/* Faster than arena_printf(), for each lookup. */
static const char *join_address(struct arena *memory, const char *local, const char *domain)
{
	size_t length = strlen(local), rest = strlen(domain);
	char *address = arena_alloc(memory, length + 1 + rest + 1);

	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the '@' follows */
	memcpy(address, local, length);
	address[length] = '@';
	memcpy(address + length + 1, domain, rest + 1);
	return address;
}

struct user user_read(struct row *row)
{
	return (struct user){
		.address = join_address(row->memory, row_text(row, 1), row_text(row, 0)),
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
	bool is_catch_all = *address == '@';
	int r = row_find(store, memory, FIND_USERS, VALUES(DOMAIN_OF(address), LOCAL_OF(address)),
			 &row, err);

	/* The catch-all follows the user. */
	if (r == 0 && !is_catch_all && !*row_text(&row, 1))
		return STORE_NOT_FOUND;
	if (r != 0)
		return r;
	*ret_user = user_read(&row);
	return row_check(&row, err);
}

static int write_user(struct store *store, enum statement statement, const struct user *user,
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
	int r = write_user(store, ADD_USER, user, err);

	return r == 0 ? md5_follow_user(store, user->address, err) : r;
}

int store_update_user(struct store *store, const struct user *user, struct error *err)
{
	return write_user(store, UPDATE_USER, user, err);
}

int store_remove_user(struct store *store, const char *address, struct error *err)
{
	int r = store_run_on_row(store, REMOVE_USER, VALUES(DOMAIN_OF(address), LOCAL_OF(address)),
				 err);

	return r == 0 ? md5_follow_user(store, address, err) : r;
}

static int visit_rows(struct row *row, user_visitor visit, void *context, struct error *err)
{
	int r;

	while ((r = row_next(row, err)) == 0) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct user user;

		/* cppcheck-suppress autoVariables ; the row is read again with another memory */
		row->memory = &memory;
		user = user_read(row);
		r = row_check_in_list(row, err);
		if (r == 0)
			r = visit(&user, context, err);
		else if (r == ROW_SKIPPED)
			continue;
		if (r != 0)
			return r;
	}
	return r == STORE_NOT_FOUND ? 0 : r;
}

#define FILTER_VALUES(filter) \
	VALUES(TEXT((filter)->domain), TEXT((filter)->login), TEXT((filter)->provider))

int store_visit_users(struct store *store, const struct user_filter *filter, user_visitor visit,
		      void *context, struct error *err)
{
	_cleanup_(row_close) struct row row;
	enum statement statement = filter->domain     ? LIST_USERS_OF_DOMAIN
				   : filter->provider ? LIST_USERS_OF_PROVIDER
						      : LIST_USERS;
	int r = row_open(store, NULL, statement, FILTER_VALUES(filter), &row, err);

	return r == 0 ? visit_rows(&row, visit, context, err) : r;
}

int store_visit_moved_users(struct store *store, user_visitor visit, void *context,
			    struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_open(store, NULL, LIST_MOVED_USERS, NULL, &row, err);

	return r == 0 ? visit_rows(&row, visit, context, err) : r;
}

int store_has_moved_users(struct store *store, const char *domain, bool *ret_has, struct error *err)
{
	return store_read_truth(store, HAS_MOVED_USERS, VALUES(TEXT(domain)), ret_has, err);
}

int store_count_users(struct store *store, const struct user_filter *filter, int64_t *ret_count,
		      struct error *err)
{
	enum statement statement = filter->domain     ? COUNT_USERS_OF_DOMAIN
				   : filter->provider ? COUNT_USERS_OF_PROVIDER
						      : COUNT_USERS;

	return store_read_number(store, statement, FILTER_VALUES(filter), ret_count, err);
}

int store_remove_users(struct store *store, const char *domain, int64_t *ret_count,
		       struct error *err)
{
	int r = store_run(store, REMOVE_USERS, VALUES(TEXT(domain)), err);

	if (r != 0)
		return r;
	*ret_count = sqlite3_changes64(store->database);
	return md5_follow_domain(store, domain, err);
}

int store_rename_login(struct store *store, const char *before, const char *after,
		       int64_t *ret_count, struct error *err)
{
	int r = store_run(store, RENAME_LOGIN, VALUES(TEXT(before), TEXT(after)), err);

	if (r == 0)
		*ret_count = sqlite3_changes64(store->database);
	return r;
}
