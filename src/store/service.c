#include "mail/pattern.h"
#include "store/database.h"

/* Returns 0, or -1 with err set if the row cannot be read or is invalid. */
static int service_from_row(struct row *row, struct service *ret_service, struct error *err)
{
	const char *url = row_text(row, 0), *authentications = row_text(row, 1);
	struct service attributes, service;

	row_attributes(row, row_attributes(row, 2, service_options, &attributes), pop3_options,
		       &attributes);
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

int services_load(struct store *store, struct arena *memory, struct provider *provider,
		  struct error *err)
{
	_cleanup_(row_close) struct row row;
	struct invalid_service invalid[SERVICES_MAX];
	struct service services[SERVICES_MAX];
	size_t count = 0, n_invalid = 0;
	int r = row_open(store, memory,
			 SQL_OF(TABLE_SERVICE, "looking up services",
				"SELECT url, authentications, @service, @pop3 FROM service "
				"WHERE provider = ?1 ORDER BY position"),
			 VALUES(NUMBER(provider->id)), &row, err);

	while (r == 0 && count + n_invalid < SERVICES_MAX && (r = row_next(&row, err)) == 0) {
		struct error reason;
		const char *url;

		if (service_from_row(&row, &services[count], &reason) == 0) {
			count++;
			continue;
		}
		/* By its URL as it is stored; NULL if not even that can be read. */
		row.invalid = -1;
		url = row_text(&row, 0);
		invalid[n_invalid++] = (struct invalid_service){
			.url = row.invalid < 0 ? url : NULL,
			.reason = error_line(memory, &reason),
			.is_unreadable = reason.kind == ERROR_ROW,
		};
	}
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	provider->services = arena_copy(memory, services, count, sizeof(*services));
	provider->n_services = count;
	provider->invalid_services = arena_copy(memory, invalid, n_invalid, sizeof(*invalid));
	provider->n_invalid_services = n_invalid;
	return 0;
}

int store_set_services(struct store *store, int64_t provider, const struct service *services,
		       size_t count, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct service *sorted[SERVICES_MAX];
	int r;

	if (count > SERVICES_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d services",
				 SERVICES_MAX);
	/* An insertion sort keeps equals in order, and there are few. */
	for (size_t i = 0; i < count; i++) {
		size_t place = i;

		for (; place > 0 && service_compare(sorted[place - 1], &services[i]) > 0; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = &services[i];
	}
	r = store_run(store, SQL("changing services", "DELETE FROM service WHERE provider = ?1"),
		      VALUES(NUMBER(provider)), err);
	for (size_t i = 0; i < count && r == 0; i++) {
		struct sql_value values[4 + ATTRIBUTES_MAX + 1] = {
			NUMBER(provider),
			NUMBER(i),
			TEXT(service_url(&memory, sorted[i])),
			TEXT(service_authentications(&memory, sorted[i])),
		};

		attribute_values(pop3_options, sorted[i],
				 attribute_values(service_options, sorted[i], values + 4));
		r = store_run(store,
			      SQL("adding a service",
				  "INSERT INTO service (provider, position, url, authentications, "
				  "@service, @pop3) VALUES (?1, ?2, ?3, ?4, ?service, ?pop3)"),
			      values, err);
	}
	if (r == STORE_EXISTS)
		return error_set(err, ERROR_INPUT, "the same service is given twice");
	return r;
}

int store_remove_service(struct store *store, int64_t provider, const char *url, struct error *err)
{
	return store_run_on_row(
		store,
		SQL("removing a service", "DELETE FROM service WHERE provider = ?1 AND url = ?2"),
		VALUES(NUMBER(provider), TEXT(url)), err);
}

int store_visit_asking_services(struct store *store, service_visitor visit, void *context,
				struct error *err)
{
	_cleanup_(row_close) struct row row;
	/* In the words of the index. */
	int r = row_open(store, NULL,
			 SQL_OF(TABLE_SERVICE, "looking for services",
				"SELECT url, min(provider.name) FROM service "
				"JOIN provider ON provider.id = service.provider "
				"WHERE url LIKE 'ca%dav+https://%/.well-known/ca%dav%' "
				"GROUP BY url ORDER BY url"),
			 NULL, &row, err);

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
