/*
 * Which rows answer a question.
 *
 * Domain. The address's domain decides, and not the Host: customers, SRV targets and redirects
 * arrive under other names. Only where nothing serves it, and the document allows it (Thunderbird
 * asks the host of the MX about its customers' domains), the Host's domain answers instead. Without
 * an address the Host decides. "*" answers only where both agree, or any domain's SRV record could
 * be pointed at us. A disabled row ends the search: that customer's mail is elsewhere.
 *
 * User. Of the rows first.last+news@, first.last@ and @ the first that is there wins, under the
 * domain itself before the domain that it is an alias of. All of them are looked up each time, so
 * that the time of an answer does not tell whether one was found.
 *
 * If the client sends only the MD5 of the address, and the provider of the domain has md5_lookup,
 * it is the row of exactly that address, or none: an address in another letter case or with a tag
 * has another MD5, and must not get the login of a catch-all. The user's own provider can disable
 * it.
 */

#include "store/database.h"
#include "util/digest.h"

/* The read transaction begins with the first read, which may meet a lock. Who is changing something
 * has one already. */
int store_snapshot(struct store *store, struct error *err)
{
	int64_t version;
	int r;

	if (store->in_snapshot || !sqlite3_get_autocommit(store->database))
		return 0;
	r = store_run(store, SQL("beginning to read it", "BEGIN"), NULL, err);
	if (r != 0)
		return r;
	store->in_snapshot = true;
	r = store_read_number(store, SQL("reading it", "PRAGMA data_version"), NULL, &version, err);
	if (r != 0 || version == store->data_version)
		return r;
	/* Providers stay good while no other connection has changed the database. */
	for (size_t i = 0; i < PROVIDERS_KEPT; i++)
		store->kept[i].provider.id = 0;
	store->data_version = version;
	return 0;
}

void store_release(struct store *store)
{
	struct error err;

	if (store->in_snapshot &&
	    store_run(store, SQL("ending to read it", "COMMIT"), NULL, &err) != 0)
		store_rollback(store);
	store->in_snapshot = false;
	/* So that a page that was put right is read again. */
	if (store->has_bad_pages)
		sqlite3_db_release_memory(store->database);
	store->has_bad_pages = false;
}

bool store_has_snapshot(const struct store *store)
{
	return store->in_snapshot;
}

/* What is returned borrows from the store until the next call. A user's own provider must not push
 * out the domain's, which is borrowed too: that is beside, else NULL. Kept as well, it does not
 * make the answer measurably later than that for somebody who has none. */
static int find_kept_provider(struct store *store, struct arena *memory, int64_t id,
			      const struct provider *beside, struct provider *ret_provider,
			      struct error *err)
{
	struct kept_provider *kept = &store->kept[(uint64_t)id % PROVIDERS_KEPT];
	int r;

	if (id == 0)
		return STORE_NOT_FOUND;
	if (beside && id == beside->id) {
		*ret_provider = *beside;
		return 0;
	}
	if (beside && kept == &store->kept[(uint64_t)beside->id % PROVIDERS_KEPT])
		return provider_find_by_id(store, memory, id, ret_provider, err);
	/* What this connection itself has changed is not in data_version. */
	if (kept->provider.id != id || !store->in_snapshot) {
		kept->provider.id = 0;
		arena_clear(&kept->memory);
		r = provider_find_by_id(store, &kept->memory, id, &kept->provider, err);
		if (r != 0)
			return r;
	}
	*ret_provider = kept->provider;
	return 0;
}

/* The row for a domain, unless it is "*" and the Host is not of the domain asked for. */
static int find_serving_row(struct store *store, struct arena *memory, const struct query *query,
			    const char *domain, struct domain *ret_row, struct error *err)
{
	int r = store_serving_domain(store, memory, domain, ret_row, err);
	struct host_domains host;

	if (r != 0 || !text_equals(ret_row->name, "*") || !query->domain)
		return r;
	if (!query->host)
		return STORE_NOT_FOUND;
	host = host_domains(query->host);
	return text_equals(host.bare, query->domain) || text_same(host.stripped, query->domain)
		       ? 0
		       : STORE_NOT_FOUND;
}

static int find_domain(struct store *store, struct arena *memory, const struct query *query,
		       struct match *match, struct domain *ret_row, struct error *err)
{
	int r = STORE_NOT_FOUND;

	if (query->domain) {
		match->domain = query->domain;
		r = find_serving_row(store, memory, query, query->domain, ret_row, err);
	}
	if (r == STORE_NOT_FOUND && query->host && (!query->domain || query->host_may_answer)) {
		struct host_domains host = host_domains(query->host);

		match->is_host = true;
		match->domain = host.stripped ? host.stripped : host.bare;
		r = find_serving_row(store, memory, query, match->domain, ret_row, err);
		if (r == STORE_NOT_FOUND && host.stripped) {
			match->domain = host.bare;
			r = store_find_domain(store, memory, host.bare, ret_row, err);
		}
	}
	if (r != 0)
		return r;
	match->row = ret_row->name;
	return ret_row->is_enabled ? 0 : STORE_NOT_FOUND;
}

/* The row of a domain, or of what it is an alias of, has the provider. */
static int find_provider(struct store *store, struct arena *memory, struct domain *row,
			 struct match *match, struct error *err)
{
	int r;

	match->alias_of = row->alias_of;
	match->moved_to = row->moved_to;
	if (row->alias_of) {
		r = store_find_domain(store, memory, row->alias_of, row, err);
		if (r == 0 && !row->is_enabled)
			return STORE_NOT_FOUND;
		if (r != 0 && r != STORE_NOT_FOUND)
			return r;
		if (r == STORE_NOT_FOUND || row->provider_id == 0)
			return error_set(err, ERROR_DATA,
					 "domain '%s' is an alias of '%s', which "
					 "has no provider",
					 match->row, match->alias_of);
	}
	if (!match->moved_to)
		match->moved_to = row->moved_to;
	r = find_kept_provider(store, memory, row->provider_id, NULL, &match->provider, err);
	if (r == STORE_NOT_FOUND)
		return error_set(err, ERROR_DATA, "domain '%s' has a provider that is not there",
				 match->row);
	return r;
}

static int match_user(struct store *store, struct arena *memory, const struct address *address,
		      struct match *match, struct error *err)
{
	const char *untagged = local_without_tag(memory, address->key,
						 match->provider.recipient_delimiter);
	const char *const domains[] = { address->domain, match->alias_of };
	int best = 0, r = 0;

	for (size_t i = 0; i < 2 && domains[i] && r == 0; i++) {
		_cleanup_(row_close) struct row row;
		bool is_decided = best > 0;

		r = row_open(store, memory, FIND_USERS,
			     VALUES(TEXT(domains[i]), TEXT(address->key), TEXT(untagged)), &row,
			     err);
		while (r == 0 && (r = row_next(&row, err)) == 0) {
			const char *local = row_text(&row, 1);
			int rank = text_equals(local, address->key) ? 3
				   : text_equals(local, untagged)   ? 2
								    : 1;

			if (is_decided || rank <= best)
				continue;
			match->user = user_read(&row);
			best = rank;
			r = row_check(&row, err);
		}
		if (r == STORE_NOT_FOUND)
			r = 0;
	}
	match->has_user = best > 0;
	if (r != 0 || match->user.provider_id == 0)
		return r;
	match->has_own_provider = true;
	r = find_kept_provider(store, memory, match->user.provider_id, &match->domain_provider,
			       &match->provider, err);
	if (r == STORE_NOT_FOUND)
		return error_set(err, ERROR_DATA, "user '%s' has a provider that is not there",
				 match->user.address);
	return r;
}

static int match_md5(struct store *store, struct arena *memory, const struct query *query,
		     struct match *match, struct error *err)
{
	_cleanup_(row_close) struct row row;
	struct address *address = arena_new(memory, struct address);
	const struct match before = *match;
	/* No user has the local part that is searched if there is none, so that it takes as long.
	 */
	const char *local = "@";
	size_t length;
	int r;

	r = row_find(store, memory,
		     SQL_OF(TABLE_USER_MD5, "looking up a user",
			    "SELECT local FROM user_md5 WHERE domain = ?1 AND md5 = ?2"),
		     VALUES(TEXT(match->domain), BLOB(query->md5->bytes)), &row, err);
	if (r == 0) {
		local = row_text(&row, 0);
		r = row_check(&row, err);
	}
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	*address = (struct address){ .local = local, .key = local, .domain = match->domain };
	address->text = arena_printf(memory, "%s@%s", local, match->domain);
	address->typed = address->text;
	match->address = address;
	r = match_user(store, memory, address, match, err);
	length = strlen(local);
	/* Not a row of an address without its tag, nor a catch-all. */
	if (r != 0 || (match->has_user && strncmp(match->user.address, local, length) == 0 &&
		       match->user.address[length] == '@' && match->provider.md5_lookup))
		return r;
	*match = before;
	return 0;
}

int store_match(struct store *store, struct arena *memory, const struct query *query,
		struct match *ret_match, struct error *err)
{
	struct match match = { 0 };
	struct domain row;
	int r;

	r = store_snapshot(store, err);
	if (r == 0)
		r = find_domain(store, memory, query, &match, &row, err);
	if (r == 0)
		r = find_provider(store, memory, &row, &match, err);
	match.domain_provider = match.provider;
	if (r == 0 && match.is_host && query->domain && !match.provider.mx_fallback)
		r = STORE_NOT_FOUND;
	if (r == 0 && query->address && !match.is_host)
		r = match_user(store, memory, query->address, &match, err);
	else if (r == 0 && query->md5 && !match.is_host && match.provider.md5_lookup)
		r = match_md5(store, memory, query, &match, err);
	if (r == 0)
		*ret_match = match;
	else if (r != STORE_NOT_FOUND)
		store_release(store);
	return r;
}

int store_secret(struct store *store, struct digest_key *ret_secret, struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_find(store, NULL,
			 SQL_OF(TABLE_SECRET, "reading its secret",
				"SELECT value FROM secret WHERE name = 'profile'"),
			 NULL, &row, err);

	if (r == STORE_NOT_FOUND)
		return error_set(err, ERROR_DATA, "database '%s' has lost its secret", store->path);
	if (r != 0)
		return r;
	row_blob(&row, 0, ret_secret->bytes, sizeof(ret_secret->bytes));
	return row_check(&row, err);
}
