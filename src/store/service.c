
#include "mail/pattern.h"
#include "store/database.h"
#include "store/row.h"
#include "util/base.h"

enum { COLUMN_URL, COLUMN_AUTHENTICATIONS, COLUMN_ATTRIBUTES };

/* Returns 0, or -1 with err set if the row cannot be read or is invalid. */
static int service_from_row(struct row *row, struct service *ret_service, struct error *err)
{
	const char *url = row_text(row, COLUMN_URL);
	const char *authentications = row_text(row, COLUMN_AUTHENTICATIONS);
	struct service attributes, service;
	int column;

	column = row_attributes(row, COLUMN_ATTRIBUTES, service_options, &attributes);
	row_attributes(row, column, pop3_options, &attributes);
	if (row_check(row, err) < 0 || service_parse(row->memory, url, &service, err) < 0 ||
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

/* By its URL as it is stored; NULL if not even that can be read. */
static struct invalid_service invalid_service_from_row(const struct row *row,
						       const struct error *reason)
{
	struct row url = *row;
	const char *text;

	url.invalid = -1;
	text = row_text(&url, 0);
	return (struct invalid_service){
		.url = url.invalid < 0 ? text : NULL,
		.reason = error_line(row->memory, reason),
		.is_unreadable = reason->kind == ERROR_ROW,
	};
}

int services_load(struct store *store, struct arena *memory, struct provider *provider,
		  struct error *err)
{
	_cleanup_(row_close) struct row row;
	struct invalid_service invalid[SERVICES_MAX];
	struct service services[SERVICES_MAX];
	size_t count = 0, n_invalid_services = 0;
	int r = row_open(store, memory, LIST_SERVICES, VALUES(NUMBER(provider->id)), &row, err);

	while (r == 0 && count + n_invalid_services < SERVICES_MAX &&
	       (r = row_next(&row, err)) == 0) {
		struct error reason;

		if (service_from_row(&row, &services[count], &reason) == 0)
			count++;
		else
			invalid[n_invalid_services++] = invalid_service_from_row(&row, &reason);
	}
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	provider->services = arena_copy(memory, services, count, sizeof(*services));
	provider->n_services = count;
	provider->invalid_services = arena_copy(memory, invalid, n_invalid_services,
						sizeof(*invalid));
	provider->n_invalid_services = n_invalid_services;
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
	struct sql_value values[4 + ATTRIBUTES_MAX + 1] = {
		NUMBER(provider),
		NUMBER(position),
		TEXT(service_url(memory, service)),
		TEXT(service_authentications(memory, service)),
	};

	attribute_values(pop3_options, service,
			 attribute_values(service_options, service, values + 4));
	return store_run(store, ADD_SERVICE, values, err);
}

int store_set_services(struct store *store, int64_t provider, const struct service *services,
		       size_t count, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct service **sorted = arena_array(&memory, const struct service *, count);
	int r;

	if (count > SERVICES_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d services",
				 SERVICES_MAX);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &services[i];
	sort_services(sorted, count);

	r = store_run(store, REMOVE_SERVICES, VALUES(NUMBER(provider)), err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_service(store, &memory, provider, i, sorted[i], err);
	if (r == STORE_EXISTS)
		return error_set(err, ERROR_INPUT, "the same service is given twice");
	return r;
}

int store_remove_service(struct store *store, int64_t provider, const char *url, struct error *err)
{
	return store_run_on_row(store, REMOVE_SERVICE, VALUES(NUMBER(provider), TEXT(url)), err);
}

int store_visit_asking_services(struct store *store, service_visitor visit, void *context,
				struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_open(store, NULL, LIST_ASKING_SERVICES, NULL, &row, err);

	while (r == 0 && (r = row_next(&row, err)) == 0) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *url = row_text(&row, 0), *provider = row_text(&row, 1);
		struct service service;
		struct error reason;

		r = row_check_in_list(&row, err);
		if (r == 0 && service_parse(&memory, url, &service, &reason) == 0 &&
		    path_asks_for_dav(service.path))
			r = visit(provider, &service, context, err);
		else if (r == ROW_SKIPPED)
			r = 0;
	}
	return r == STORE_NOT_FOUND ? 0 : r;
}
