#include <limits.h>
#include <string.h>

#include "mail/pattern.h"
#include "store/database.h"
#include "util/arena.h"
#include "util/error.h"

static enum wish read_wish(struct row *row, int column)
{
	switch (row_integer_or_null(row, column, 0, 1, -1)) {
	case 0:
		return WISH_NO;
	case 1:
		return WISH_YES;
	default:
		return WISH_NONE;
	}
}

/* Texts that service_parse() takes apart later. */
struct service_row {
	const char *url, *authentications;
	struct service service; /* the rest */
};

static struct service_row read_service(struct row *row)
{
	return (struct service_row){
		.url = row_text(row, 0),
		.authentications = row_text(row, 2),
		.service.login = row_text_or_null(row, 1),
		.service.is_first = row_truth(row, 3),
		.service.pop3 = {
			.leave_on_server = read_wish(row, 4),
			.leave_days = (unsigned)row_integer_or_null(row, 5, 0, UINT_MAX, 0),
			.check_interval = (unsigned)row_integer_or_null(row, 6, 0, UINT_MAX, 0),
			.download_at_check = read_wish(row, 7),
		},
	};
}

/* Returns 0, or -1 with err set where the row cannot be read or means nothing. */
static int service_from_row(struct row *row, struct service *ret_service, struct error *err)
{
	const struct service_row values = read_service(row);
	struct service service;

	if (row_end(row, err) < 0 || service_parse(row->memory, values.url, &service, err) < 0 ||
	    service_parse_authentications(row->memory, values.authentications, &service, err) < 0)
		return -1;
	service.login = values.service.login;
	service.is_first = values.service.is_first;
	service.pop3 = values.service.pop3;
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

static void bind_wish(sqlite3_stmt *query, int parameter, enum wish wish)
{
	if (wish != WISH_NONE)
		sqlite3_bind_int(query, parameter, wish == WISH_YES);
}

/* 0 is NULL. */
static void bind_number(sqlite3_stmt *query, int parameter, unsigned number)
{
	if (number > 0)
		sqlite3_bind_int(query, parameter, (int)number);
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
	query_bind_text(query, 4, service->login);
	query_bind_text(query, 5, service_authentications(memory, service));
	sqlite3_bind_int(query, 6, service->is_first);
	bind_wish(query, 7, service->pop3.leave_on_server);
	bind_number(query, 8, service->pop3.leave_days);
	bind_number(query, 9, service->pop3.check_interval);
	bind_wish(query, 10, service->pop3.download_at_check);
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
