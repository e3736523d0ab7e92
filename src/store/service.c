#include <string.h>

#include "mail/pattern.h"
#include "store/database.h"
#include "util/arena.h"
#include "util/error.h"

enum { COLUMN_URL, COLUMN_AUTHENTICATIONS, COLUMN_ATTRIBUTES };

/* Returns 0, or -1 with err set where the row cannot be read or means nothing. */
static int service_from_row(struct row *row, struct service *ret_service, struct error *err)
{
	const char *url = row_text(row, COLUMN_URL);
	const char *authentications = row_text(row, COLUMN_AUTHENTICATIONS);
	struct service attributes, service;
	int column;

	column = row_attributes(row, COLUMN_ATTRIBUTES, service_options, &attributes);
	row_attributes(row, column, pop3_options, &attributes);
	if (row_end(row, err) < 0 || service_parse(row->memory, url, &service, err) < 0 ||
	    service_parse_authentications(row->memory, authentications, &service, err) < 0)
		return -1;
	service.login = attributes.login;
	service.is_first = attributes.is_first;
	service.pop3 = attributes.pop3;
	if (service.login &&
	    pattern_check(row->memory, service.login, PATTERN_FOR_SERVICE, err) < 0)
		return -1;
	*ret_service = service;
	return 0;
}

/* By its URL as it stands in the database; NULL where not even that can be read. */
static struct spoiled_service spoiled_from_row(struct arena *memory, const struct row *row,
					       const struct error *reason)
{
	struct row url = row_begin(row->store, memory, row->query, row->table);
	const char *text = row_text(&url, 0);

	return (struct spoiled_service){
		.url = url.invalid < 0 ? text : NULL,
		.reason = arena_strdup(memory, reason->text),
	};
}

/* An error of the file stays one of the file, and is not one of the provider. */
static int fail_with_row(const struct provider *provider, const struct error *reason,
			 struct error *err)
{
	*err = *reason;
	if (err->kind == ERROR_ROW)
		return -1;
	err->kind = ERROR_DATA;
	return error_prefix(err, "provider '%s'", provider->name);
}

int services_load(struct store *store, struct arena *memory, enum row_trust trust,
		  struct provider *provider, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	struct spoiled_service spoiled[SERVICES_MAX];
	struct service services[SERVICES_MAX];
	size_t count = 0, n_spoiled = 0;
	int r;

	r = query_begin(store, LIST_SERVICES, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider->id);
	while ((r = sqlite3_step(query)) == SQLITE_ROW && count + n_spoiled < SERVICES_MAX) {
		struct row row = row_begin(store, memory, query, TABLE_SERVICE);
		struct error reason;

		if (service_from_row(&row, &services[count], &reason) == 0) {
			count++;
			continue;
		}
		if (trust == ROWS_MUST_BE_GOOD)
			return fail_with_row(provider, &reason, err);
		spoiled[n_spoiled++] = spoiled_from_row(memory, &row, &reason);
	}
	if (r != SQLITE_DONE && r != SQLITE_ROW)
		return store_fail(store, err, "looking up services");
	provider->services = arena_copy(memory, services, count, sizeof(*services));
	provider->n_services = count;
	provider->spoiled = arena_copy(memory, spoiled, n_spoiled, sizeof(*spoiled));
	provider->n_spoiled = n_spoiled;
	return 0;
}

/* An insertion sort keeps equals in order, and there are few. */
static void sort_services(const struct service **sorted, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && service_compare(sorted[j - 1], sorted[j]) > 0; j--) {
			const struct service *service = sorted[j];

			sorted[j] = sorted[j - 1];
			sorted[j - 1] = service;
		}
}

static int add_service(struct store *store, struct arena *memory, int64_t provider, size_t position,
		       const struct service *service, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, ADD_SERVICE, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider);
	sqlite3_bind_int64(query, 2, (int64_t)position);
	query_bind_text(query, 3, service_url(memory, service));
	query_bind_text(query, 4, service_authentications(memory, service));
	query_bind_attributes(query, query_bind_attributes(query, 5, service_options, service),
			      pop3_options, service);
	return query_run(store, query, "adding a service", err);
}

int store_set_services(struct store *store, int64_t provider, const struct service *services,
		       size_t count, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct service **sorted = arena_array(&memory, const struct service *, count);
	int r;

	if (count > SERVICES_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d services",
				 SERVICES_MAX);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &services[i];
	sort_services(sorted, count);

	r = query_begin(store, REMOVE_SERVICES, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider);
	r = query_run(store, query, "changing services", err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_service(store, &memory, provider, i, sorted[i], err);
	if (r == STORE_EXISTS)
		return error_set(err, ERROR_INPUT, "the same service is given twice");
	return r;
}

int store_remove_service(struct store *store, int64_t provider, const char *url, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, REMOVE_SERVICE, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider);
	query_bind_text(query, 2, url);
	r = query_run(store, query, "removing a service", err);
	if (r != 0)
		return r;
	return sqlite3_changes(store->database) > 0 ? 0 : STORE_NOT_FOUND;
}

int store_visit_asking_services(struct store *store, service_visitor visit, void *context,
				struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r, step;

	r = query_begin(store, LIST_ASKING_SERVICES, &query, err);
	if (r != 0)
		return r;
	while ((step = sqlite3_step(query)) == SQLITE_ROW) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct row row = row_begin(store, &memory, query, TABLE_SERVICE);
		const char *url = row_text(&row, 0), *provider = row_text(&row, 1);
		struct service service;
		struct error reason;

		r = row_end_in_list(&row, err);
		if (r < 0)
			return -1;
		if (r == ROW_SKIPPED || service_parse(&memory, url, &service, &reason) < 0 ||
		    !path_asks_for_dav(service.path))
			continue;
		r = visit(provider, &service, context, err);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_fail(store, err, "looking for services");
}
