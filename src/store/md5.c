/*
 * By which MD5 whom is meant. A domain has entries where its provider has md5_lookup, one for each
 * local part with a row there, or in the domain that it is an alias of. The catch-all has none, for
 * its login is for no address in particular; nor has a pattern that is an alias, for the domains
 * that it stands for are without number.
 *
 * An entry says only that there is such a local part: which row answers is found by match.c, as if
 * the address had been told.
 */

#include <string.h>

#include "mail/address.h"
#include "store/database.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/digest.h"
#include "util/error.h"

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
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	const char *local;
	struct row row;
	int r;

	r = query_begin(store, FIND_MD5, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, domain);
	sqlite3_bind_blob(query, 2, md5->bytes, sizeof(md5->bytes), SQLITE_STATIC);
	switch (sqlite3_step(query)) {
	case SQLITE_ROW:
		row = row_begin(store, memory, query, TABLE_USER_MD5);
		local = row_text(&row, 0);
		if (row_end(&row, err) < 0)
			return -1;
		*ret_local = local;
		return 0;
	case SQLITE_DONE:
		return STORE_NOT_FOUND;
	default:
		return store_fail(store, err, "looking up a user");
	}
}

/* A number that a statement gives, 0 where it gives none. */
static int read_truth(struct store *store, enum statement statement, int64_t id, bool *ret_truth,
		      struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	struct row row;
	int r;

	r = query_begin(store, statement, &query, err);
	if (r != 0)
		return r;
	if (id)
		sqlite3_bind_int64(query, 1, id);
	*ret_truth = false;
	r = sqlite3_step(query);
	if (r != SQLITE_ROW)
		return r == SQLITE_DONE ? 0 : store_fail(store, err, "reading it");
	row = row_begin(store, NULL, query, TABLE_NAMES);
	*ret_truth = row_truth(&row, 0);
	return row_end(&row, err);
}

int md5_is_used_by(struct store *store, int64_t provider, bool *ret_is_used, struct error *err)
{
	return read_truth(store, PROVIDER_USES_MD5, provider, ret_is_used, err);
}

/* What decides the entries of a domain. */
struct scope {
	const char *domain;
	const char *alias_of; /* whose users it has beside its own; or NULL */
	bool has_entries;
};

static int find_scope(struct store *store, struct arena *memory, const char *domain,
		      struct scope *ret_scope, struct error *err)
{
	struct domain_row row;
	int r;

	*ret_scope = (struct scope){ .domain = domain };
	r = domain_row_serving(store, memory, domain, &row, err);
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : r;
	if (row.domain.alias_of) {
		if (text_equals(row.domain.name, domain))
			ret_scope->alias_of = row.domain.alias_of;
		r = domain_row_find(store, memory, row.domain.alias_of, &row, err);
		if (r != 0)
			return r == STORE_NOT_FOUND ? 0 : r;
	}
	return md5_is_used_by(store, row.provider, &ret_scope->has_entries, err);
}

static int run(struct store *store, enum statement statement, const char *domain,
	       const char *users_of, const char *local, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, statement, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, domain);
	if (users_of)
		query_bind_text(query, 2, users_of);
	if (local)
		query_bind_text(query, 3, local);
	return query_run(store, query, "changing what users are found by", err);
}

/* Makes the entries of the domain anew: all of them, or the one of the local part. */
static int fill(struct store *store, const char *domain, const char *local, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct scope scope;
	int r;

	r = find_scope(store, &memory, domain, &scope, err);
	if (r == 0)
		r = run(store, local ? REMOVE_MD5 : REMOVE_MD5S, domain, NULL, local, err);
	if (r != 0 || !scope.has_entries)
		return r;
	if (local)
		return run(store, ADD_MD5, domain, scope.alias_of, local, err);
	r = run(store, ADD_MD5S, domain, domain, NULL, err);
	if (r == 0 && scope.alias_of)
		r = run(store, ADD_MD5S, domain, scope.alias_of, NULL, err);
	return r;
}

static int fill_aliases(struct store *store, const char *domain, const char *local,
			struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r, step;

	r = query_begin(store, LIST_ALIASES, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, domain);
	while ((step = sqlite3_step(query)) == SQLITE_ROW) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct row row = row_begin(store, &memory, query, TABLE_DOMAIN);
		const char *alias = row_text(&row, 0);

		if (row_end(&row, err) < 0)
			return -1;
		r = domain_is_pattern(alias) ? 0 : fill(store, alias, local, err);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_fail(store, err, "listing aliases");
}

/* The users of all domains that a pattern stands for, or stood for until now. */
static int fill_below(struct store *store, const char *pattern, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char **domains, *tail = pattern + 1;
	size_t count;
	int r;

	r = store_list_user_domains(store, &memory, &domains, &count, err);
	for (size_t i = 0; i < count && r == 0; i++) {
		size_t length = strlen(domains[i]);

		if (length > strlen(tail) && text_equals(domains[i] + length - strlen(tail), tail))
			r = fill(store, domains[i], NULL, err);
	}
	return r;
}

static int is_used(struct store *store, bool *ret_is_used, struct error *err)
{
	return read_truth(store, USES_MD5, 0, ret_is_used, err);
}

int md5_follow_user(struct store *store, const char *address, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *at = strrchr(address, '@'), *local;
	bool used = false;
	int r;

	r = is_used(store, &used, err);
	if (r != 0 || !used || at == address)
		return r;
	local = arena_strndup(&memory, address, (size_t)(at - address));
	r = fill(store, at + 1, local, err);
	return r == 0 ? fill_aliases(store, at + 1, local, err) : r;
}

int md5_follow_domain(struct store *store, const char *name, struct error *err)
{
	bool used = false;
	int r;

	r = is_used(store, &used, err);
	if (r != 0 || !used)
		return r;
	if (domain_is_pattern(name))
		return fill_below(store, name, err);
	r = fill(store, name, NULL, err);
	return r == 0 ? fill_aliases(store, name, NULL, err) : r;
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
