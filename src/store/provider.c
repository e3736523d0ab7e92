#include "mail/pattern.h"
#include "store/database.h"

#define PROVIDER_COLUMNS "name, id, @provider FROM provider"

static void read_provider(struct row *row, void *item)
{
	struct provider *provider = item;

	*provider = (struct provider){
		.name = row_text(row, 0),
		.id = row_integer(row, 1, 1, INT64_MAX),
	};
	row_attributes(row, 2, provider_options, provider);
}

static int load_parts(struct store *store, struct arena *memory, struct provider *provider,
		      struct error *err)
{
	int r = services_load(store, memory, provider, err);

	return r == 0 ? links_load(store, memory, provider, err) : r;
}

static int find_provider(struct store *store, struct arena *memory, struct statement statement,
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
	const char *remedy;
	int r = find_provider(store, memory,
			      SQL_OF(TABLE_PROVIDER, "looking up a provider",
				     "SELECT " PROVIDER_COLUMNS " WHERE id = ?1"),
			      VALUES(NUMBER(id)), &provider, err);

	if (r != 0)
		return r;
	if (provider.n_invalid_services > 0) {
		error_set(err, ERROR_DATA, "%s", provider.invalid_services->reason);
		if (provider.invalid_services->is_unreadable) {
			err->kind = ERROR_ROW;
			return -1;
		}
	} else if (pattern_check(memory, provider.login, PATTERN_FOR_PROVIDER, err) == 0 &&
		   provider_check_links(memory, &provider, &remedy, err) == 0) {
		*ret_provider = provider;
		return 0;
	}
	err->kind = ERROR_DATA;
	return error_prefix(err, "provider '%s'", provider.name);
}

int store_find_provider(struct store *store, struct arena *memory, const char *name,
			struct provider *ret_provider, struct error *err)
{
	return find_provider(store, memory,
			     SQL_OF(TABLE_PROVIDER, "looking up a provider",
				    "SELECT " PROVIDER_COLUMNS " WHERE name = ?1"),
			     VALUES(TEXT(name)), ret_provider, err);
}

int store_list_providers(struct store *store, struct arena *memory, struct provider **ret_providers,
			 size_t *ret_count, struct error *err)
{
	int r = store_list(store, memory,
			   SQL_OF(TABLE_PROVIDER, "looking up a provider",
				  "SELECT " PROVIDER_COLUMNS " ORDER BY name"),
			   NULL, sizeof(**ret_providers), read_provider, (void **)ret_providers,
			   ret_count, err);

	for (size_t i = 0; r == 0 && i < *ret_count; i++)
		r = load_parts(store, memory, &(*ret_providers)[i], err);
	return r;
}

/* Without an id it gets one. */
static int write_provider(struct store *store, struct statement statement, int64_t id,
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
	int r = write_provider(store,
			       SQL("adding a provider",
				   "INSERT INTO provider (id, name, @provider) "
				   "VALUES (?1, ?2, ?provider)"),
			       0, provider, err);

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
		r = write_provider(store,
				   SQL("changing a provider",
				       "UPDATE provider SET (name, @provider) = (?2, ?provider) "
				       "WHERE id = ?1"),
				   provider->id, provider, err);
	return r == 0 && used_md5 != provider->md5_lookup
		       ? md5_follow_provider(store, provider->name, err)
		       : r;
}

int store_has_public_name(struct store *store, const char *name, bool *ret_has, struct error *err)
{
	return store_read_truth(store,
				SQL("looking up a public name",
				    "SELECT EXISTS (SELECT 1 FROM provider "
				    "WHERE public_name IN (?1, ?1 || ':443'))"),
				VALUES(TEXT(name)), ret_has, err);
}

int store_remove_provider(struct store *store, int64_t id, struct error *err)
{
	return store_run(store, SQL("removing a provider", "DELETE FROM provider WHERE id = ?1"),
			 VALUES(NUMBER(id)), err);
}

int store_list_implicit_providers(struct store *store, struct arena *memory, const char *domain,
				  const char ***ret_names, size_t *ret_count, struct error *err)
{
	return store_list_texts(
		store, memory,
		domain ? SQL("listing providers",
			     "SELECT name FROM provider WHERE is_implicit = 1 AND id IN "
			     "(SELECT provider FROM user WHERE domain = ?1) ORDER BY name")
		       : SQL("listing providers",
			     "SELECT name FROM provider WHERE is_implicit = 1 AND EXISTS "
			     "(SELECT 1 FROM user WHERE provider = provider.id) ORDER BY name"),
		VALUES(TEXT(domain)), ret_names, ret_count, err);
}

int store_remove_unused_provider(struct store *store, const char *name, struct error *err)
{
	return store_run_on_row(store,
				SQL("removing a provider",
				    "DELETE FROM provider WHERE name = ?1 AND is_implicit = 1 "
				    "AND NOT EXISTS (SELECT 1 FROM domain WHERE provider = "
				    "provider.id) AND NOT EXISTS (SELECT 1 FROM user WHERE "
				    "provider = provider.id)"),
				VALUES(TEXT(name)), err);
}
