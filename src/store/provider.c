#include <stdlib.h>
#include <string.h>

#include "mail/pattern.h"
#include "store/database.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* The columns of PROVIDER_COLUMNS. */
enum { COLUMN_NAME, COLUMN_ID, COLUMN_ATTRIBUTES };

static struct provider read_provider(struct row *row)
{
	struct provider provider = {
		.name = row_text(row, COLUMN_NAME),
		.id = row_integer(row, COLUMN_ID, 1, INT64_MAX),
	};

	row_attributes(row, COLUMN_ATTRIBUTES, provider_options, &provider);
	return provider;
}

/* Services are checked where they are loaded. */
static int check_row(struct arena *memory, const struct provider *provider, struct error *err)
{
	const char *remedy;

	if (pattern_check(memory, provider->login, PATTERN_FOR_PROVIDER, err) == 0 &&
	    provider_check_links(memory, provider, &remedy, err) == 0)
		return 0;
	err->kind = ERROR_DATA;
	return error_prefix(err, "provider '%s'", provider->name);
}

/* The next row that can be read, or not be skipped. Returns as provider_step(). */
static int read_next(struct store *store, struct arena *memory, bool in_list, sqlite3_stmt *query,
		     struct provider *ret_provider, struct error *err)
{
	int step, r;

	while ((step = sqlite3_step(query)) == SQLITE_ROW) {
		struct row row = row_begin(store, memory, query, TABLE_PROVIDER);
		struct provider provider = read_provider(&row);

		r = in_list ? row_end_in_list(&row, err) : row_end(&row, err);
		if (r == ROW_SKIPPED)
			continue;
		if (r == 0)
			*ret_provider = provider;
		return r;
	}
	return step == SQLITE_DONE ? STORE_NOT_FOUND
				   : store_fail(store, err, "looking up a provider");
}

static int provider_step(struct store *store, struct arena *memory, enum row_trust trust,
			 bool in_list, sqlite3_stmt *query, struct provider *ret_provider,
			 struct error *err)
{
	struct provider provider;
	int r;

	r = read_next(store, memory, in_list, query, &provider, err);
	if (r == 0)
		r = services_load(store, memory, trust, &provider, err);
	if (r == 0)
		r = links_load(store, memory, &provider, err);
	if (r == 0 && trust == ROWS_MUST_BE_GOOD)
		r = check_row(memory, &provider, err);
	if (r == 0)
		*ret_provider = provider;
	return r;
}

int provider_find_by_id(struct store *store, struct arena *memory, int64_t id,
			struct provider *ret_provider, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, FIND_PROVIDER_BY_ID, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, id);
	return provider_step(store, memory, ROWS_MUST_BE_GOOD, false, query, ret_provider, err);
}

int store_find_provider(struct store *store, struct arena *memory, const char *name,
			struct provider *ret_provider, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, FIND_PROVIDER_BY_NAME, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, name);
	return provider_step(store, memory, ROWS_MAY_BE_SPOILED, false, query, ret_provider, err);
}

int store_list_providers(struct store *store, struct arena *memory, struct provider **ret_providers,
			 size_t *ret_count, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	_cleanup_(freep) struct provider *list = NULL;
	size_t count = 0;
	int r;

	r = query_begin(store, LIST_PROVIDERS, &query, err);
	if (r != 0)
		return r;
	for (;;) {
		if ((count & (count - 1)) == 0)
			list = xrealloc(list, count ? count * 2 : 1, sizeof(*list));
		r = provider_step(store, memory, ROWS_MAY_BE_SPOILED, true, query, &list[count],
				  err);
		if (r != 0)
			break;
		count++;
	}
	if (r != STORE_NOT_FOUND)
		return r;
	*ret_providers = arena_array(memory, struct provider, count);
	memcpy(*ret_providers, list, count * sizeof(*list));
	*ret_count = count;
	return 0;
}

/* The first parameter is the id. */
static void bind_provider(sqlite3_stmt *query, const struct provider *provider)
{
	query_bind_text(query, 2, provider->name);
	query_bind_attributes(query, 3, provider_options, provider);
}

int store_add_provider(struct store *store, struct provider *provider, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, ADD_PROVIDER, &query, err);
	if (r != 0)
		return r;
	bind_provider(query, provider);
	r = query_run(store, query, "adding a provider", err);
	if (r != 0)
		return r;
	provider->id = sqlite3_last_insert_rowid(store->database);
	r = store_set_services(store, provider->id, provider->services, provider->n_services, err);
	if (r == 0)
		r = store_set_links(store, provider->id, provider->links, provider->n_links, err);
	return r;
}

int store_update_provider(struct store *store, const struct provider *provider, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	bool used_md5 = false;
	int r;

	r = md5_is_used_by(store, provider->id, &used_md5, err);
	if (r == 0)
		r = query_begin(store, UPDATE_PROVIDER, &query, err);
	if (r != 0)
		return r;
	bind_provider(query, provider);
	sqlite3_bind_int64(query, 1, provider->id);
	r = query_run(store, query, "changing a provider", err);
	return r == 0 && used_md5 != provider->md5_lookup
		       ? md5_follow_provider(store, provider->name, err)
		       : r;
}

int store_has_public_name(struct store *store, const char *name, bool *ret_has, struct error *err)
{
	return query_truth(store, HAS_PUBLIC_NAME, name, ret_has, "looking up a public name", err);
}

int store_remove_provider(struct store *store, int64_t id, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, REMOVE_PROVIDER, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, id);
	return query_run(store, query, "removing a provider", err);
}
