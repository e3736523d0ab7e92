
#include "store/database.h"
#include "store/row.h"
#include "util/base.h"

static void read_domain(struct row *row, void *domain)
{
	*(struct domain *)domain = (struct domain){
		.name = row_text(row, 0),
		.provider = row_text_or_null(row, 1),
		.alias_of = row_text_or_null(row, 2),
		.is_enabled = row_truth(row, 3),
		.provider_id = row_integer_or_null(row, 4, 1, INT64_MAX, 0),
		.moved_to = row_text_or_null(row, 5),
	};
}

int store_find_domain(struct store *store, struct arena *memory, const char *name,
		      struct domain *ret_domain, struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_find(store, memory, FIND_DOMAIN, VALUES(TEXT(name)), &row, err);

	if (r != 0)
		return r;
	read_domain(&row, ret_domain);
	return row_check(&row, err);
}

/* example.org, then *.parent from the nearest parent on, then *. */
int store_serving_domain(struct store *store, struct arena *memory, const char *name,
			 struct domain *ret_domain, struct error *err)
{
	bool has_patterns = false;
	int r;

	r = store_find_domain(store, memory, name, ret_domain, err);
	if (r != STORE_NOT_FOUND)
		return r;
	r = store_read_truth(store, HAS_PATTERNS, NULL, &has_patterns, err);
	if (r != 0)
		return r;
	if (!has_patterns)
		return STORE_NOT_FOUND;
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		r = store_find_domain(store, memory, arena_printf(memory, "*%s", dot), ret_domain,
				      err);
		if (r != STORE_NOT_FOUND)
			return r;
	}
	return store_find_domain(store, memory, "*", ret_domain, err);
}

int store_has_domains(struct store *store, bool *ret_has, struct error *err)
{
	return store_read_truth(store, HAS_DOMAINS, NULL, ret_has, err);
}

static int write_domain(struct store *store, enum statement statement, const struct domain *domain,
			struct error *err)
{
	return store_run(store, statement,
			 VALUES(TEXT(domain->name), TEXT(domain->provider), TEXT(domain->alias_of),
				NUMBER(domain->is_enabled), TEXT(domain->moved_to)),
			 err);
}

int store_add_domain(struct store *store, const struct domain *domain, struct error *err)
{
	int r = write_domain(store, ADD_DOMAIN, domain, err);

	return r == 0 ? md5_follow_domain(store, domain->name, err) : r;
}

/* What decides by which MD5s people are found: whose users it has, and whose rules. */
static bool has_same_users(const struct domain *before, const struct domain *domain)
{
	return text_same(before->provider, domain->provider) &&
	       text_same(before->alias_of, domain->alias_of);
}

int store_update_domain(struct store *store, const struct domain *domain, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct domain before;
	int r;

	r = store_find_domain(store, &memory, domain->name, &before, err);
	if (r == 0)
		r = write_domain(store, UPDATE_DOMAIN, domain, err);
	return r == 0 && !has_same_users(&before, domain)
		       ? md5_follow_domain(store, domain->name, err)
		       : r;
}

int store_remove_domain(struct store *store, const char *name, struct error *err)
{
	int r = store_run_on_row(store, REMOVE_DOMAIN, VALUES(TEXT(name)), err);

	return r == 0 ? md5_follow_domain(store, name, err) : r;
}

int store_list_domains(struct store *store, struct arena *memory,
		       const struct domain_filter *filter, struct domain **ret_domains,
		       size_t *ret_count, struct error *err)
{
	return store_list(store, memory, LIST_DOMAINS,
			  VALUES(TEXT(filter->provider), TEXT(filter->alias_of)),
			  sizeof(**ret_domains), read_domain, (void **)ret_domains, ret_count, err);
}

int store_list_moved_domains(struct store *store, struct arena *memory, struct domain **ret_domains,
			     size_t *ret_count, struct error *err)
{
	return store_list(store, memory, LIST_MOVED_DOMAINS, NULL, sizeof(**ret_domains),
			  read_domain, (void **)ret_domains, ret_count, err);
}
