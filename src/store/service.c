#include <string.h>

#include "mail/pattern.h"
#include "store/database.h"
#include "util/arena.h"
#include "util/error.h"

static enum wish column_wish(sqlite3_stmt *query, int column)
{
	if (sqlite3_column_type(query, column) == SQLITE_NULL)
		return WISH_NONE;
	return sqlite3_column_int(query, column) ? WISH_YES : WISH_NO;
}

/* Returns 0, or -1 with err set where the row means nothing. */
static int service_from_row(struct arena *memory, sqlite3_stmt *query, struct service *ret_service,
			    struct error *err)
{
	const char *url = query_text(memory, query, 0);

	if (service_parse(memory, url, ret_service, err) < 0 ||
	    service_parse_authentications(memory, query_text(memory, query, 2), ret_service, err) <
		    0)
		return -1;
	ret_service->login = query_text(memory, query, 1);
	ret_service->is_first = sqlite3_column_int(query, 3);
	ret_service->pop3 = (struct pop3_wishes){
		.leave_on_server = column_wish(query, 4),
		.leave_days = (unsigned)sqlite3_column_int(query, 5),
		.check_interval = (unsigned)sqlite3_column_int(query, 6),
		.download_at_check = column_wish(query, 7),
	};
	if (ret_service->login &&
	    pattern_check(memory, ret_service->login, PATTERN_FOR_SERVICE, err) < 0)
		return -1;
	return 0;
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
	(void)sqlite3_bind_int64(query, 1, provider->id);
	while ((r = sqlite3_step(query)) == SQLITE_ROW && count + n_spoiled < SERVICES_MAX) {
		struct error reason;

		if (service_from_row(memory, query, &services[count], &reason) == 0) {
			count++;
			continue;
		}
		if (trust == ROWS_MUST_BE_GOOD)
			return error_set(err, ERROR_DATA, "provider '%s': %s", provider->name,
					 reason.text);
		spoiled[n_spoiled++] = (struct spoiled_service){
			.url = query_text(memory, query, 0),
			.reason = arena_strdup(memory, reason.text),
		};
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
		(void)sqlite3_bind_int(query, parameter, wish == WISH_YES);
}

/* 0 is NULL. */
static void bind_number(sqlite3_stmt *query, int parameter, unsigned number)
{
	if (number > 0)
		(void)sqlite3_bind_int(query, parameter, (int)number);
}

static int add_service(struct store *store, struct arena *memory, int64_t provider, size_t position,
		       const struct service *service, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, ADD_SERVICE, &query, err);
	if (r != 0)
		return r;
	(void)sqlite3_bind_int64(query, 1, provider);
	(void)sqlite3_bind_int64(query, 2, (int64_t)position);
	query_bind_text(query, 3, service_url(memory, service));
	query_bind_text(query, 4, service->login);
	query_bind_text(query, 5, service_authentications(memory, service));
	(void)sqlite3_bind_int(query, 6, service->is_first);
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
	(void)sqlite3_bind_int64(query, 1, provider);
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
	(void)sqlite3_bind_int64(query, 1, provider);
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
		struct service service;
		struct error reason;

		if (service_parse(&memory, query_text(&memory, query, 0), &service, &reason) < 0 ||
		    !path_asks_for_dav(service.path))
			continue;
		r = visit(query_text(&memory, query, 1), &service, context, err);
		if (r != 0)
			return r;
	}
	return step == SQLITE_DONE ? 0 : store_fail(store, err, "looking for services");
}
