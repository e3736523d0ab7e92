/*
 * Finds addresses by their MD5. A domain has entries where its provider has md5_lookup, one for
 * each local part with a row there, or in the domain that it is an alias of. The catch-all has
 * none, for its login is for no address in particular; nor has a pattern that is an alias, for the
 * domains that it stands for are without number.
 *
 * An entry says only that there is such a local part: which row answers is found by match.c, as if
 * the client had sent the address.
 */

#include <fnmatch.h>

#include "mail/address.h"
#include "store/database.h"
#include "util/digest.h"

static void md5_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	const void *text = sqlite3_value_text(values[0]);
	struct md5 md5;

	(void)count;
	if (!text || !md5_of(text, (size_t)sqlite3_value_bytes(values[0]), &md5))
		sqlite3_result_error(context, "GnuTLS makes no MD5 here", -1);
	else
		sqlite3_result_blob(context, md5.bytes, sizeof(md5.bytes), SQLITE_TRANSIENT);
}

int md5_register(struct store *store, struct error *err)
{
	if (sqlite3_create_function_v2(store->database, "md5", 1,
				       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
				       md5_function, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(store, err, "opening it");
	return 0;
}

int md5_is_used_by(struct store *store, int64_t provider, bool *ret_is_used, struct error *err)
{
	return store_read_truth(store,
				SQL("reading it", "SELECT md5_lookup FROM provider WHERE id = ?1"),
				VALUES(NUMBER(provider)), ret_is_used, err);
}

/* Makes the entries of the domain again: all of them, or the one of the local part. */
static int refill_entries(struct store *store, const char *domain, const char *local,
			  struct error *err)
{
	static const char doing[] = "changing what users are found by";
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *alias_of = NULL; /* whose users it has beside its own */
	bool has_entries = false;
	struct domain row;
	int r;

	r = store_serving_domain(store, &memory, domain, &row, err);
	if (r == 0 && row.alias_of) {
		if (text_equals(row.name, domain))
			alias_of = row.alias_of;
		r = store_find_domain(store, &memory, row.alias_of, &row, err);
	}
	if (r == 0)
		r = md5_is_used_by(store, row.provider_id, &has_entries, err);
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	r = store_run(store,
		      local ? SQL(doing, "DELETE FROM user_md5 WHERE domain = ?1 "
					 "AND md5 = md5(?3 || '@' || ?1)")
			    : SQL(doing, "DELETE FROM user_md5 WHERE domain = ?1"),
		      VALUES(TEXT(domain), TEXT(NULL), TEXT(local)), err);
	if (r != 0 || !has_entries)
		return r;
	/* Many in the order of the key, which is several times as fast. */
	return store_run(
		store,
		local ? SQL(doing,
			    "INSERT OR IGNORE INTO user_md5 SELECT ?1, md5(?3 || '@' || ?1), ?3 "
			    "WHERE EXISTS (SELECT 1 FROM user WHERE domain = ?1 AND local = ?3) OR "
			    "EXISTS (SELECT 1 FROM user WHERE domain = ?2 AND local = ?3)")
		      : SQL(doing, "INSERT OR IGNORE INTO user_md5 SELECT ?1, md5(local || '@' || "
				   "?1), local "
				   "FROM user WHERE domain IN (?1, ?2) AND local <> '' ORDER BY 2"),
		VALUES(TEXT(domain), TEXT(alias_of), TEXT(local)), err);
}

/* Of the domain and of its aliases; or of all domains that a pattern stands for, or stood for until
 * now. */
static int refill_all_entries(struct store *store, const char *name, const char *local,
			      struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	bool is_used = false, is_pattern = domain_is_pattern(name);
	const char **domains;
	size_t count = 0;
	/* Two lookups at most if no provider has enabled it. */
	int r = store_read_truth(
		store,
		SQL("reading it", "SELECT EXISTS (SELECT 1 FROM provider WHERE md5_lookup = 1) OR "
				  "EXISTS (SELECT 1 FROM user_md5)"),
		NULL, &is_used, err);

	if (r != 0 || !is_used)
		return r;
	r = is_pattern ? store_list_user_domains(store, &memory, &domains, &count, err)
		       : store_list_texts(store, &memory,
					  SQL_OF(TABLE_DOMAIN, "listing aliases",
						 "SELECT ?1 UNION ALL SELECT name FROM domain "
						 "WHERE alias_of = ?1 AND name NOT GLOB '[*]*'"),
					  VALUES(TEXT(name)), &domains, &count, err);
	for (size_t i = 0; i < count && r == 0; i++)
		if (!is_pattern || fnmatch(name, domains[i], 0) == 0)
			r = refill_entries(store, domains[i], local, err);
	return r;
}

int md5_follow_user(struct store *store, const char *address, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *at = strrchr(address, '@');

	return at == address
		       ? 0
		       : refill_all_entries(store, at + 1,
					    arena_strndup(&memory, address, (size_t)(at - address)),
					    err);
}

int md5_follow_domain(struct store *store, const char *name, struct error *err)
{
	return refill_all_entries(store, name, NULL, err);
}

int md5_follow_provider(struct store *store, const char *name, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct domain_filter filter = { .provider = name };
	struct domain *domains;
	size_t count;
	int r;

	r = store_list_domains(store, &memory, &filter, &domains, &count, err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = md5_follow_domain(store, domains[i].name, err);
	return r;
}
