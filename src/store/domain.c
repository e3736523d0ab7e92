#include "store/database.h"

#define DOMAIN_COLUMNS                                                                         \
	"domain.name, provider.name AS provider_name, alias_of, is_enabled, domain.provider, " \
	"moved_to "                                                                            \
	"FROM domain LEFT JOIN provider ON provider.id = domain.provider"

static void read_domain(struct row *row, void *domain)
{
	*(struct domain *)domain = (struct domain){
		.name = row_text(row, 0),
		.provider = row_text_or_null(row, 1),
		.alias_of = row_text_or_null(row, 2),
		.is_enabled = row_integer(row, 3, 0, 1),
		.provider_id = row_integer_or_null(row, 4, 1, INT64_MAX, 0),
		.moved_to = row_text_or_null(row, 5),
	};
}

int store_find_domain(struct store *store, struct arena *memory, const char *name,
		      struct domain *ret_domain, struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_find(store, memory,
			 SQL_OF(TABLE_DOMAIN, "looking up a domain",
				"SELECT " DOMAIN_COLUMNS " WHERE domain.name = ?1"),
			 VALUES(TEXT(name)), &row, err);

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
	/* They lie together in the key: one look tells whether there are any. */
	r = store_read_truth(
		store,
		SQL("looking up a domain",
		    "SELECT EXISTS (SELECT 1 FROM domain WHERE name >= '*' AND name < '+')"),
		NULL, &has_patterns, err);
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
	return store_read_truth(store,
				SQL("looking for domains", "SELECT EXISTS (SELECT 1 FROM domain)"),
				NULL, ret_has, err);
}

static int write_domain(struct store *store, struct statement statement,
			const struct domain *domain, struct error *err)
{
	return store_run(store, statement,
			 VALUES(TEXT(domain->name), TEXT(domain->provider), TEXT(domain->alias_of),
				NUMBER(domain->is_enabled), TEXT(domain->moved_to)),
			 err);
}

int store_add_domain(struct store *store, const struct domain *domain, struct error *err)
{
	int r = write_domain(
		store,
		SQL("adding a domain",
		    "INSERT INTO domain (name, provider, alias_of, is_enabled, moved_to) "
		    "VALUES (?1, (SELECT id FROM provider WHERE name = ?2), ?3, ?4, ?5)"),
		domain, err);

	return r == 0 ? md5_follow_domain(store, domain->name, err) : r;
}

int store_update_domain(struct store *store, const struct domain *domain, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct domain before;
	int r;

	r = store_find_domain(store, &memory, domain->name, &before, err);
	if (r == 0)
		r = write_domain(
			store,
			SQL("changing a domain",
			    "UPDATE domain SET provider = (SELECT id FROM provider WHERE name = "
			    "?2), "
			    "alias_of = ?3, is_enabled = ?4, moved_to = ?5 WHERE name = ?1"),
			domain, err);
	/* By which MD5s people are found depends on whose users it has, and whose rules. */
	if (r == 0 && !(text_same(before.provider, domain->provider) &&
			text_same(before.alias_of, domain->alias_of)))
		r = md5_follow_domain(store, domain->name, err);
	return r;
}

int store_remove_domain(struct store *store, const char *name, struct error *err)
{
	int r = store_run_on_row(store,
				 SQL("removing a domain", "DELETE FROM domain WHERE name = ?1"),
				 VALUES(TEXT(name)), err);

	return r == 0 ? md5_follow_domain(store, name, err) : r;
}

int store_list_domains(struct store *store, struct arena *memory,
		       const struct domain_filter *filter, struct domain **ret_domains,
		       size_t *ret_count, struct error *err)
{
	return store_list(store, memory,
			  SQL_OF(TABLE_DOMAIN, "listing domains",
				 "SELECT " DOMAIN_COLUMNS
				 " WHERE (?1 IS NULL OR provider.name = ?1) AND "
				 "(?2 IS NULL OR alias_of = ?2) ORDER BY domain.name"),
			  VALUES(TEXT(filter->provider), TEXT(filter->alias_of)),
			  sizeof(**ret_domains), read_domain, (void **)ret_domains, ret_count, err);
}

int store_list_moved_domains(struct store *store, struct arena *memory, struct domain **ret_domains,
			     size_t *ret_count, struct error *err)
{
	return store_list(
		store, memory,
		SQL_OF(TABLE_DOMAIN, "listing domains",
		       "SELECT " DOMAIN_COLUMNS " WHERE moved_to IS NOT NULL ORDER BY domain.name"),
		NULL, sizeof(**ret_domains), read_domain, (void **)ret_domains, ret_count, err);
}

/* With ?1 as the prefix, in the order of bytes, which is that of the key: only so much of it is
 * read. */
#define BEGINS(column) \
	column " >= ?1 AND " column " < ?1 || char(1114111) ORDER BY " column " LIMIT ?2"

int store_list_names(struct store *store, struct arena *memory, enum store_names names,
		     const char *prefix, size_t limit, const char ***ret_names, size_t *ret_count,
		     struct error *err)
{
	return store_list_texts(
		store, memory,
		names == PROVIDER_NAMES
			? SQL("listing names", "SELECT name FROM provider WHERE " BEGINS("name"))
			: SQL("listing names", "SELECT name FROM domain WHERE " BEGINS("name")),
		VALUES(TEXT(prefix), NUMBER(limit)), ret_names, ret_count, err);
}

int store_list_locals(struct store *store, struct arena *memory, const char *domain,
		      const char *prefix, size_t limit, const char ***ret_locals, size_t *ret_count,
		      struct error *err)
{
	return store_list_texts(
		store, memory,
		SQL("listing names",
		    "SELECT local FROM user WHERE domain = ?3 AND " BEGINS("local")),
		VALUES(TEXT(prefix), NUMBER(limit), TEXT(domain)), ret_locals, ret_count, err);
}

/* Each step jumps over all users of one domain. UNION ends it in a corrupted table, where the next
 * domain need not come later. */
int store_list_user_domains(struct store *store, struct arena *memory, const char ***ret_domains,
			    size_t *ret_count, struct error *err)
{
	return store_list_texts(
		store, memory,
		SQL("listing users",
		    "WITH RECURSIVE found(domain) AS (SELECT min(domain) FROM user UNION "
		    "SELECT (SELECT min(domain) FROM user WHERE domain > found.domain) "
		    "FROM found WHERE found.domain IS NOT NULL) "
		    "SELECT domain FROM found WHERE domain IS NOT NULL"),
		NULL, ret_domains, ret_count, err);
}
