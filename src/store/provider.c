#include <stdlib.h>
#include <string.h>

#include "mail/pattern.h"
#include "store/database.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

static bool column_is(sqlite3_stmt *query, int column, const char *text)
{
	const char *value = (const char *)sqlite3_column_text(query, column);

	return value && text_equals(value, text);
}

static enum unanswered column_unanswered(sqlite3_stmt *query, int column)
{
	return column_is(query, column, "refuse") ? UNANSWERED_REFUSE : UNANSWERED_PATTERN;
}

static struct provider provider_from_row(struct arena *memory, sqlite3_stmt *query)
{
	return (struct provider){
		.name = query_text(memory, query, 0),
		.display_name = query_text(memory, query, 1),
		.short_name = query_text(memory, query, 2),
		.login = query_text(memory, query, 3),
		.login_case = column_is(query, 4, "keep") ? LOGIN_CASE_KEEP : LOGIN_CASE_LOWER,
		.recipient_delimiter = query_text(memory, query, 5),
		.show_names = sqlite3_column_int(query, 6),
		.mx_fallback = sqlite3_column_int(query, 7),
		.is_implicit = sqlite3_column_int(query, 8),
		.public_name = query_text(memory, query, 9),
		.ttl = (unsigned)sqlite3_column_int(query, 10),
		.pox_dav = sqlite3_column_int(query, 11),
		.activesync_v2 = sqlite3_column_int(query, 12),
		.unknown_users = column_unanswered(query, 13),
		.without_address = column_unanswered(query, 14),
		.send_logins_to = query_text(memory, query, 15),
		.pacc = sqlite3_column_int(query, 16),
		.webmail = query_text(memory, query, 17),
		.oauth2.issuer = query_text(memory, query, 18),
		.oauth2.scope = query_text(memory, query, 19),
		.oauth2.auth_url = query_text(memory, query, 20),
		.oauth2.token_url = query_text(memory, query, 21),
		.md5_lookup = sqlite3_column_int(query, 22),
		.id = sqlite3_column_int64(query, 23),
	};
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

static int provider_step(struct store *store, struct arena *memory, enum row_trust trust,
			 sqlite3_stmt *query, struct provider *ret_provider, struct error *err)
{
	struct provider provider;
	int r;

	switch (sqlite3_step(query)) {
	case SQLITE_ROW:
		provider = provider_from_row(memory, query);
		break;
	case SQLITE_DONE:
		return STORE_NOT_FOUND;
	default:
		return store_fail(store, err, "looking up a provider");
	}
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
	(void)sqlite3_bind_int64(query, 1, id);
	return provider_step(store, memory, ROWS_MUST_BE_GOOD, query, ret_provider, err);
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
	return provider_step(store, memory, ROWS_MAY_BE_SPOILED, query, ret_provider, err);
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
		r = provider_step(store, memory, ROWS_MAY_BE_SPOILED, query, &list[count], err);
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

static void bind_provider(sqlite3_stmt *query, const struct provider *provider)
{
	query_bind_text(query, 1, provider->name);
	query_bind_text(query, 2, provider->display_name);
	query_bind_text(query, 3, provider->short_name);
	query_bind_text(query, 4, provider->login);
	query_bind_text(query, 5, login_case_name(provider->login_case));
	query_bind_text(query, 6, provider->recipient_delimiter);
	(void)sqlite3_bind_int(query, 7, provider->show_names);
	(void)sqlite3_bind_int(query, 8, provider->mx_fallback);
	(void)sqlite3_bind_int(query, 9, provider->is_implicit);
	query_bind_text(query, 10, provider->public_name);
	(void)sqlite3_bind_int(query, 11, (int)provider->ttl);
	(void)sqlite3_bind_int(query, 12, provider->pox_dav);
	(void)sqlite3_bind_int(query, 13, provider->activesync_v2);
	query_bind_text(query, 14, unanswered_name(provider->unknown_users));
	query_bind_text(query, 15, unanswered_name(provider->without_address));
	query_bind_text(query, 16, provider->send_logins_to);
	(void)sqlite3_bind_int(query, 17, provider->pacc);
	query_bind_text(query, 18, provider->webmail);
	query_bind_text(query, 19, provider->oauth2.issuer);
	query_bind_text(query, 20, provider->oauth2.scope);
	query_bind_text(query, 21, provider->oauth2.auth_url);
	query_bind_text(query, 22, provider->oauth2.token_url);
	(void)sqlite3_bind_int(query, 23, provider->md5_lookup);
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
	(void)sqlite3_bind_int64(query, 24, provider->id);
	r = query_run(store, query, "changing a provider", err);
	return r == 0 && used_md5 != provider->md5_lookup
		       ? md5_follow_provider(store, provider->name, err)
		       : r;
}

int store_has_public_name(struct store *store, const char *name, bool *ret_has, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, HAS_PUBLIC_NAME, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, name);
	if (sqlite3_step(query) != SQLITE_ROW)
		return store_fail(store, err, "looking up a public name");
	*ret_has = sqlite3_column_int(query, 0);
	return 0;
}

int store_remove_provider(struct store *store, int64_t id, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, REMOVE_PROVIDER, &query, err);
	if (r != 0)
		return r;
	(void)sqlite3_bind_int64(query, 1, id);
	return query_run(store, query, "removing a provider", err);
}
