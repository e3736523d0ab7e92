
#include "mail/pattern.h"
#include "store/database.h"
#include "store/row.h"
#include "util/base.h"

/* The columns of PROVIDER_COLUMNS. */
enum { COLUMN_NAME, COLUMN_ID, COLUMN_ATTRIBUTES };

static void read_provider(struct row *row, void *item)
{
	struct provider *provider = item;

	*provider = (struct provider){
		.name = row_text(row, COLUMN_NAME),
		.id = row_integer(row, COLUMN_ID, 1, INT64_MAX),
	};
	row_attributes(row, COLUMN_ATTRIBUTES, provider_options, provider);
}

/* Returns 0, or -1 with err set to what keeps the provider from being an answer. */
static int check_provider(struct arena *memory, const struct provider *provider, struct error *err)
{
	const struct invalid_service *invalid = provider->invalid_services;
	const char *remedy;

	if (provider->n_invalid_services > 0 && invalid->is_unreadable)
		return error_set(err, ERROR_ROW, "%s", invalid->reason);
	if (provider->n_invalid_services > 0)
		error_set(err, ERROR_DATA, "%s", invalid->reason);
	else if (pattern_check(memory, provider->login, PATTERN_FOR_PROVIDER, err) == 0 &&
		 provider_check_links(memory, provider, &remedy, err) == 0)
		return 0;
	err->kind = ERROR_DATA;
	return error_prefix(err, "provider '%s'", provider->name);
}

static int load_parts(struct store *store, struct arena *memory, struct provider *provider,
		      struct error *err)
{
	int r = services_load(store, memory, provider, err);

	return r == 0 ? links_load(store, memory, provider, err) : r;
}

static int find_provider(struct store *store, struct arena *memory, enum statement statement,
			 const struct sql_value *values, struct provider *ret_provider,
			 struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_find(store, memory, statement, values, &row, err);

	if (r != 0)
		return r;
	read_provider(&row, ret_provider);
	r = row_check(&row, err);
	return r == 0 ? load_parts(store, memory, ret_provider, err) : r;
}

int provider_find_by_id(struct store *store, struct arena *memory, int64_t id,
			struct provider *ret_provider, struct error *err)
{
	struct provider provider;
	int r = find_provider(store, memory, FIND_PROVIDER_BY_ID, VALUES(NUMBER(id)), &provider,
			      err);

	if (r == 0)
		r = check_provider(memory, &provider, err);
	if (r == 0)
		*ret_provider = provider;
	return r;
}

int store_find_provider(struct store *store, struct arena *memory, const char *name,
			struct provider *ret_provider, struct error *err)
{
	return find_provider(store, memory, FIND_PROVIDER_BY_NAME, VALUES(TEXT(name)), ret_provider,
			     err);
}

int store_list_providers(struct store *store, struct arena *memory, struct provider **ret_providers,
			 size_t *ret_count, struct error *err)
{
	int r = store_list(store, memory, LIST_PROVIDERS, NULL, sizeof(**ret_providers),
			   read_provider, (void **)ret_providers, ret_count, err);

	for (size_t i = 0; r == 0 && i < *ret_count; i++)
		r = load_parts(store, memory, &(*ret_providers)[i], err);
	return r;
}

/* Without an id it gets one. */
static int write_provider(struct store *store, enum statement statement, int64_t id,
			  const struct provider *provider, struct error *err)
{
	struct sql_value values[2 + ATTRIBUTES_MAX + 1] = {
		NUMBER_OR_NULL(id != 0, id),
		TEXT(provider->name),
	};

	attribute_values(provider_options, provider, values + 2);
	return store_run(store, statement, values, err);
}

int store_add_provider(struct store *store, struct provider *provider, struct error *err)
{
	int r = write_provider(store, ADD_PROVIDER, 0, provider, err);

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
	bool used_md5 = false;
	int r = md5_is_used_by(store, provider->id, &used_md5, err);

	if (r == 0)
		r = write_provider(store, UPDATE_PROVIDER, provider->id, provider, err);
	return r == 0 && used_md5 != provider->md5_lookup
		       ? md5_follow_provider(store, provider->name, err)
		       : r;
}

int store_has_public_name(struct store *store, const char *name, bool *ret_has, struct error *err)
{
	return store_read_truth(store, HAS_PUBLIC_NAME, VALUES(TEXT(name)), ret_has, err);
}

int store_remove_provider(struct store *store, int64_t id, struct error *err)
{
	return store_run(store, REMOVE_PROVIDER, VALUES(NUMBER(id)), err);
}
