#include <stdlib.h>
#include <string.h>

#include "store/database.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

static struct domain_row read_domain(struct row *row)
{
	return (struct domain_row){
		.domain = {
			.name = row_text(row, 0),
			.provider = row_text_or_null(row, 1),
			.alias_of = row_text_or_null(row, 2),
			.moved_to = row_text_or_null(row, 5),
			.is_enabled = row_truth(row, 3),
		},
		.provider = row_integer_or_null(row, 4, 1, INT64_MAX, 0),
	};
}

int domain_row_find(struct store *store, struct arena *memory, const char *name,
		    struct domain_row *ret_row, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	struct domain_row found;
	struct row row;
	int r;

	r = query_begin(store, FIND_DOMAIN, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, name);
	switch (sqlite3_step(query)) {
	case SQLITE_ROW:
		row = row_begin(store, memory, query, TABLE_DOMAIN);
		found = read_domain(&row);
		if (row_end(&row, err) < 0)
			return -1;
		*ret_row = found;
		return 0;
	case SQLITE_DONE:
		return STORE_NOT_FOUND;
	default:
		return store_fail(store, err, "looking up a domain");
	}
}

/* example.org, then *.parent from the nearest parent on, then *. */
int domain_row_serving(struct store *store, struct arena *memory, const char *name,
		       struct domain_row *ret_row, struct error *err)
{
	bool patterns = false;
	int r;

	r = domain_row_find(store, memory, name, ret_row, err);
	if (r != STORE_NOT_FOUND)
		return r;
	r = query_truth(store, HAS_PATTERNS, NULL, &patterns, "looking up a domain", err);
	if (r != 0)
		return r;
	if (!patterns)
		return STORE_NOT_FOUND;
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		r = domain_row_find(store, memory, arena_printf(memory, "*%s", dot), ret_row, err);
		if (r != STORE_NOT_FOUND)
			return r;
	}
	return domain_row_find(store, memory, "*", ret_row, err);
}

int store_find_domain(struct store *store, struct arena *memory, const char *name,
		      struct domain *ret_domain, struct error *err)
{
	struct domain_row row;
	int r;

	r = domain_row_find(store, memory, name, &row, err);
	if (r == 0)
		*ret_domain = row.domain;
	return r;
}

int store_serving_domain(struct store *store, struct arena *memory, const char *name,
			 struct domain *ret_domain, struct error *err)
{
	struct domain_row row;
	int r;

	r = domain_row_serving(store, memory, name, &row, err);
	if (r == 0)
		*ret_domain = row.domain;
	return r;
}

int store_has_domains(struct store *store, bool *ret_has, struct error *err)
{
	return query_truth(store, HAS_DOMAINS, NULL, ret_has, "looking for domains", err);
}

static void bind_domain(sqlite3_stmt *query, const struct domain *domain)
{
	query_bind_text(query, 1, domain->name);
	query_bind_text(query, 2, domain->provider);
	query_bind_text(query, 3, domain->alias_of);
	sqlite3_bind_int(query, 4, domain->is_enabled);
	query_bind_text(query, 5, domain->moved_to);
}

int store_add_domain(struct store *store, const struct domain *domain, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, ADD_DOMAIN, &query, err);
	if (r != 0)
		return r;
	bind_domain(query, domain);
	r = query_run(store, query, "adding a domain", err);
	return r == 0 ? md5_follow_domain(store, domain->name, err) : r;
}

static int found(struct store *store)
{
	return sqlite3_changes(store->database) > 0 ? 0 : STORE_NOT_FOUND;
}

static bool same_text(const char *a, const char *b)
{
	return text_equals(a ? a : "", b ? b : "");
}

/* What decides by which MD5s people are found: whose users it has, and whose rules. */
static bool is_as_before(const struct domain *before, const struct domain *domain)
{
	return same_text(before->provider, domain->provider) &&
	       same_text(before->alias_of, domain->alias_of);
}

int store_update_domain(struct store *store, const struct domain *domain, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	struct domain before;
	int r;

	r = store_find_domain(store, &memory, domain->name, &before, err);
	if (r == 0)
		r = query_begin(store, UPDATE_DOMAIN, &query, err);
	if (r != 0)
		return r;
	bind_domain(query, domain);
	r = query_run(store, query, "changing a domain", err);
	return r == 0 && !is_as_before(&before, domain)
		       ? md5_follow_domain(store, domain->name, err)
		       : r;
}

int store_remove_domain(struct store *store, const char *name, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, REMOVE_DOMAIN, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, name);
	r = query_run(store, query, "removing a domain", err);
	if (r == 0)
		r = found(store);
	return r == 0 ? md5_follow_domain(store, name, err) : r;
}

static int list_rows(struct store *store, struct arena *memory, sqlite3_stmt *query,
		     struct domain **ret_domains, size_t *ret_count, struct error *err)
{
	_cleanup_(freep) struct domain *list = NULL;
	size_t count = 0;
	int r;

	while ((r = sqlite3_step(query)) == SQLITE_ROW) {
		struct row row = row_begin(store, memory, query, TABLE_DOMAIN);
		struct domain domain = read_domain(&row).domain;

		r = row_end_in_list(&row, err);
		if (r < 0)
			return -1;
		if (r == ROW_SKIPPED)
			continue;
		if ((count & (count - 1)) == 0)
			list = xrealloc(list, count ? count * 2 : 1, sizeof(*list));
		list[count++] = domain;
	}
	if (r != SQLITE_DONE)
		return store_fail(store, err, "listing domains");
	*ret_domains = arena_array(memory, struct domain, count);
	if (count)
		memcpy(*ret_domains, list, count * sizeof(*list));
	*ret_count = count;
	return 0;
}

int store_list_domains(struct store *store, struct arena *memory,
		       const struct domain_filter *filter, struct domain **ret_domains,
		       size_t *ret_count, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, LIST_DOMAINS, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, filter->provider);
	query_bind_text(query, 2, filter->alias_of);
	return list_rows(store, memory, query, ret_domains, ret_count, err);
}

int store_list_moved_domains(struct store *store, struct arena *memory, struct domain **ret_domains,
			     size_t *ret_count, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r = query_begin(store, LIST_MOVED_DOMAINS, &query, err);

	return r == 0 ? list_rows(store, memory, query, ret_domains, ret_count, err) : r;
}
