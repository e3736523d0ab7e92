/*
 * Finds addresses by their MD5. A domain has entries where its provider has md5_lookup, one for
 * each local part with a row there, or in the domain that it is an alias of. The catch-all has
 * none, for its login is for no address in particular; nor has a pattern that is an alias, for the
 * domains that it stands for are without number.
 *
 * An entry says only that there is such a local part: which row answers is found by match.c, as if
 * the client had sent the address.
 */

#include "mail/address.h"
#include "store/database.h"
#include "store/row.h"
#include "util/base.h"
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

int md5_find(struct store *store, struct arena *memory, const char *domain, const struct md5 *md5,
	     const char **ret_local, struct error *err)
{
	_cleanup_(row_close) struct row row;
	const char *local;
	int r = row_find(store, memory, FIND_MD5, VALUES(TEXT(domain), BLOB(md5->bytes)), &row,
			 err);

	if (r != 0)
		return r;
	local = row_text(&row, 0);
	r = row_check(&row, err);
	if (r == 0)
		*ret_local = local;
	return r;
}

int md5_is_used_by(struct store *store, int64_t provider, bool *ret_is_used, struct error *err)
{
	return store_read_truth(store, PROVIDER_USES_MD5, VALUES(NUMBER(provider)), ret_is_used,
				err);
}

/* What decides the entries of a domain. */
struct md5_scope {
	const char *domain;
	const char *alias_of; /* whose users it has beside its own; or NULL */
	bool has_entries;
};

static int find_scope(struct store *store, struct arena *memory, const char *domain,
		      struct md5_scope *ret_scope, struct error *err)
{
	struct domain row;
	int r;

	*ret_scope = (struct md5_scope){ .domain = domain };
	r = store_serving_domain(store, memory, domain, &row, err);
	if (r == 0 && row.alias_of) {
		if (text_equals(row.name, domain))
			ret_scope->alias_of = row.alias_of;
		r = store_find_domain(store, memory, row.alias_of, &row, err);
	}
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : r;
	return md5_is_used_by(store, row.provider_id, &ret_scope->has_entries, err);
}

/* Makes the entries of the domain again: all of them, or the one of the local part. */
static int refill_entries(struct store *store, const char *domain, const char *local,
			  struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct md5_scope scope;
	int r;

	r = find_scope(store, &memory, domain, &scope, err);
	if (r == 0)
		r = store_run(store, local ? REMOVE_MD5 : REMOVE_MD5S,
			      VALUES(TEXT(domain), TEXT(NULL), TEXT(local)), err);
	if (r != 0 || !scope.has_entries)
		return r;
	if (local)
		return store_run(store, ADD_MD5,
				 VALUES(TEXT(domain), TEXT(scope.alias_of), TEXT(local)), err);
	r = store_run(store, ADD_MD5S, VALUES(TEXT(domain), TEXT(domain)), err);
	if (r == 0 && scope.alias_of)
		r = store_run(store, ADD_MD5S, VALUES(TEXT(domain), TEXT(scope.alias_of)), err);
	return r;
}

/* Of the domain and of its aliases. */
static int refill_entries_with_aliases(struct store *store, const char *domain, const char *local,
				       struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(row_close) struct row row;
	int r = row_open(store, &memory, LIST_ALIASES, VALUES(TEXT(domain)), &row, err);

	if (r == 0)
		r = refill_entries(store, domain, local, err);
	while (r == 0 && (r = row_next(&row, err)) == 0) {
		const char *alias = row_text(&row, 0);

		r = row_check(&row, err);
		if (r == 0 && !domain_is_pattern(alias))
			r = refill_entries(store, alias, local, err);
	}
	return r == STORE_NOT_FOUND ? 0 : r;
}

/* The users of all domains that a pattern stands for, or stood for until now. */
static int refill_entries_below(struct store *store, const char *pattern, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char **domains, *tail = pattern + 1;
	size_t count;
	int r;

	r = store_list_user_domains(store, &memory, &domains, &count, err);
	for (size_t i = 0; i < count && r == 0; i++) {
		size_t length = strlen(domains[i]);

		if (length > strlen(tail) && text_equals(domains[i] + length - strlen(tail), tail))
			r = refill_entries(store, domains[i], NULL, err);
	}
	return r;
}

int md5_follow_user(struct store *store, const char *address, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *at = strrchr(address, '@');
	bool is_used = false;
	int r = store_read_truth(store, USES_MD5, NULL, &is_used, err);

	if (r != 0 || !is_used || at == address)
		return r;
	return refill_entries_with_aliases(
		store, at + 1, arena_strndup(&memory, address, (size_t)(at - address)), err);
}

int md5_follow_domain(struct store *store, const char *name, struct error *err)
{
	bool is_used = false;
	int r = store_read_truth(store, USES_MD5, NULL, &is_used, err);

	if (r != 0 || !is_used)
		return r;
	return domain_is_pattern(name) ? refill_entries_below(store, name, err)
				       : refill_entries_with_aliases(store, name, NULL, err);
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
