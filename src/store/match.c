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
#include "store/row.h"
#include "util/base.h"
#include "util/digest.h"

/* Providers stay good while no other connection has changed the database. */
static int check_kept(struct store *store, struct error *err)
{
	int64_t version;
	int r = store_read_number(store, DATA_VERSION, NULL, &version, err);

	if (r != 0 || version == store->data_version)
		return r;
	for (size_t i = 0; i < PROVIDERS_KEPT; i++)
		store->kept[i].provider.id = 0;
	store->data_version = version;
	return 0;
}

/* The read transaction begins with the first read, which may meet a lock. Who is changing something
 * has one already. */
int store_snapshot(struct store *store, struct error *err)
{
	int r;

	if (store->in_snapshot || !sqlite3_get_autocommit(store->database))
		return 0;
	r = store_run(store, BEGIN_SNAPSHOT, NULL, err);
	if (r != 0)
		return r;
	store->in_snapshot = true;
	return check_kept(store, err);
}

void store_release(struct store *store)
{
	struct error err;

	if (store->in_snapshot && store_run(store, END_SNAPSHOT, NULL, &err) != 0)
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

/* What is returned borrows from the store until the next call. */
static int find_kept_provider(struct store *store, int64_t id, struct provider *ret_provider,
			      struct error *err)
{
	struct kept_provider *kept = &store->kept[(uint64_t)id % PROVIDERS_KEPT];
	int r;

	if (id == 0)
		return STORE_NOT_FOUND;
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

/* A provider of the user's own, which must not push out the domain's, for both are borrowed. Kept
 * too, it does not make the answer measurably later than that for somebody who has none. */
static int find_beside(struct store *store, struct arena *memory, int64_t id,
		       const struct provider *domains, struct provider *ret_provider,
		       struct error *err)
{
	if (id == domains->id) {
		*ret_provider = *domains;
		return 0;
	}
	if ((uint64_t)id % PROVIDERS_KEPT == (uint64_t)domains->id % PROVIDERS_KEPT)
		return provider_find_by_id(store, memory, id, ret_provider, err);
	return find_kept_provider(store, id, ret_provider, err);
}

static bool host_agrees(const struct query *query)
{
	struct host_domains domains;

	if (!query->host || !query->domain)
		return !query->domain;
	domains = host_domains(query->host);
	return text_equals(domains.bare, query->domain) ||
	       (domains.stripped && text_equals(domains.stripped, query->domain));
}

/* The row for a domain, unless it is "*" and may not answer here. */
static int find_serving_row(struct store *store, struct arena *memory, const struct query *query,
			    const char *domain, struct domain *ret_row, struct error *err)
{
	int r = store_serving_domain(store, memory, domain, ret_row, err);

	if (r == 0 && text_equals(ret_row->name, "*") && !host_agrees(query))
		return STORE_NOT_FOUND;
	return r;
}

static int find_by_host(struct store *store, struct arena *memory, const struct query *query,
			const char **ret_domain, struct domain *ret_row, struct error *err)
{
	struct host_domains domains = host_domains(query->host);
	int r;

	if (!domains.stripped) {
		*ret_domain = domains.bare;
		return find_serving_row(store, memory, query, domains.bare, ret_row, err);
	}
	*ret_domain = domains.stripped;
	r = find_serving_row(store, memory, query, domains.stripped, ret_row, err);
	if (r != STORE_NOT_FOUND)
		return r;
	*ret_domain = domains.bare;
	return store_find_domain(store, memory, domains.bare, ret_row, err);
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
		match->is_host = true;
		r = find_by_host(store, memory, query, &match->domain, ret_row, err);
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
	r = find_kept_provider(store, row->provider_id, &match->provider, err);
	if (r == STORE_NOT_FOUND)
		return error_set(err, ERROR_DATA, "domain '%s' has a provider that is not there",
				 match->row);
	return r;
}

struct found_user {
	struct user user;
	int rank; /* 0: none */
};

static int rank_of(const char *row, const char *local, const char *untagged)
{
	return text_equals(row, local) ? 3 : text_equals(row, untagged) ? 2 : 1;
}

static int find_user(struct store *store, struct arena *memory, const char *domain,
		     const char *local, const char *untagged, struct found_user *found,
		     struct error *err)
{
	_cleanup_(row_close) struct row row;
	bool is_decided = found->rank > 0;
	int r = row_open(store, memory, FIND_USERS,
			 VALUES(TEXT(domain), TEXT(local), TEXT(untagged)), &row, err);

	while (r == 0 && (r = row_next(&row, err)) == 0) {
		int rank = rank_of(row_text(&row, 1), local, untagged);

		if (is_decided || rank <= found->rank)
			continue;
		found->user = user_read(&row);
		found->rank = rank;
		r = row_check(&row, err);
	}
	return r == STORE_NOT_FOUND ? 0 : r;
}

static int match_user(struct store *store, struct arena *memory, const struct address *address,
		      struct match *match, struct error *err)
{
	const char *untagged = local_without_tag(memory, address->key,
						 match->provider.recipient_delimiter);
	struct found_user found = { 0 };
	int r;

	r = find_user(store, memory, address->domain, address->key, untagged, &found, err);
	if (r == 0 && match->alias_of)
		r = find_user(store, memory, match->alias_of, address->key, untagged, &found, err);
	if (r != 0 || found.rank == 0)
		return r;
	match->user = found.user;
	match->has_user = true;
	if (found.user.provider_id == 0)
		return 0;
	match->has_own_provider = true;
	r = find_beside(store, memory, found.user.provider_id, &match->domain_provider,
			&match->provider, err);
	if (r == STORE_NOT_FOUND)
		return error_set(err, ERROR_DATA, "user '%s' has a provider that is not there",
				 found.user.address);
	return r;
}

static bool is_exactly(const struct user *user, const char *local)
{
	size_t length = strlen(local);

	return strncmp(user->address, local, length) == 0 && user->address[length] == '@';
}

/* No user has the local part that is searched if there is none, so that it takes as long. */
static int match_md5(struct store *store, struct arena *memory, const struct query *query,
		     struct match *match, struct error *err)
{
	struct address *address = arena_new(memory, struct address);
	const char *local = "@";
	int r;

	r = md5_find(store, memory, match->domain, query->md5, &local, err);
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	*address = (struct address){ .local = local, .key = local, .domain = match->domain };
	address->text = arena_printf(memory, "%s@%s", local, match->domain);
	address->typed = address->text;
	match->address = address;
	r = match_user(store, memory, address, match, err);
	if (r != 0 ||
	    (match->has_user && is_exactly(&match->user, local) && match->provider.md5_lookup))
		return r;
	match->address = NULL;
	match->user = (struct user){ 0 };
	match->has_user = false;
	match->has_own_provider = false;
	match->provider = match->domain_provider;
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
	int r = row_find(store, NULL, FIND_SECRET, VALUES(TEXT("profile")), &row, err);

	if (r == STORE_NOT_FOUND)
		return error_set(err, ERROR_DATA, "database '%s' has lost its secret", store->path);
	if (r != 0)
		return r;
	row_blob(&row, 0, ret_secret->bytes, sizeof(ret_secret->bytes));
	return row_check(&row, err);
}
