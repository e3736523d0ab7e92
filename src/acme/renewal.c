#include "acme/renewal.h"

#include "acme/issue.h"
#include "acme/missing.h"
#include "acme/order.h"
#include "acme/run.h"
#include "acme/schedule.h"
#include "config/settings.h"
#include "http/retired-certificates.h"

#define DAY ((time_t)24 * 60 * 60)
#define DAYS_GIVEN_UP 30

/* Between scheduled renewals, unless a certificate becomes due before; and after one in which a
 * certificate failed, as when DNS gave no answer. */
#define RENEWAL_PAUSE ((time_t)12 * 60 * 60)
#define RETRY_PAUSE ((time_t)60 * 60)

/* Of so many domains the names are looked up side by side. */
#define DOMAINS_AT_ONCE ((size_t)32)

/* Issues a new certificate if this one is due. Returns 0; 1 with an order for one that is not due
 * but may get names that resolve to this server; or -1 with err set. */
static int renew_certificate(struct acme_run *run, const struct managed_certificate *managed,
			     unsigned long days, struct order *ret_order, struct error *err)
{
	struct order order = order_begin(run, ORDER_RENEWAL, managed->domain, managed->server);
	const struct certificate *certificate = &managed->listed->certificate;
	const char *objection = NULL;
	enum use use;

	if (days)
		order.is_due = certificate->expires - run->now < (time_t)days * DAY;
	if (retired_find_use(run->store, run->memory, run->settings->server.public_name,
			     certificate, &use, err) != 0)
		return -1;
	if (use == USE_NONE && run->lacks_rows)
		use = USE_SERVED;
	if (use == USE_NONE)
		objection = "was removed, so its certificate is not renewed; 'certificate "
			    "prune' deletes it";
	else if (use == USE_DISABLED)
		objection = arena_printf(run->memory,
					 "is disabled, so its certificate is not renewed; use "
					 "'domain enable %s'",
					 managed->domain);
	else if (certificate->expires < run->now - DAYS_GIVEN_UP * DAY)
		objection = "has a certificate that expired long ago and is not renewed; "
			    "request it again, or remove its file";
	else if (!days && backoff_until(run->uacme.directory, managed->domain) > run->now)
		objection = "failed recently and is retried later; --days retries now";
	/* A removed domain is reported even if its certificate is not due. */
	if (objection && (order.is_due || use == USE_NONE))
		acme_run_skip(run, managed->domain, "postponed", objection);
	if (objection)
		return 0;
	/* A certificate for a public name alone gets no others. */
	if ((order.count != 1 || !text_equals(order.places[0].name, order.domain) ||
	     !texts_has(&run->hosts, order.domain)) &&
	    order_add_wanted(run, &order, err) < 0)
		return -1;
	if (order.is_due)
		return issue_order(run, &order, err) < 0 ? -1 : 0;
	if (order_validate(&order, err) < 0)
		return 0;
	*ret_order = order;
	return 1;
}

int renewal_run(struct acme_run *run, unsigned long days, struct error *err)
{
	struct order *orders = arena_array(run->memory, struct order, run->n_managed);
	size_t count = 0, end;

	for (size_t i = 0; i < run->n_managed; i++) {
		const struct managed_certificate *managed = &run->managed[i];
		int r = 0;

		if (managed->listed->problem)
			acme_run_fail(run, managed->domain, managed->listed->problem, NULL);
		else
			r = renew_certificate(run, managed, days, &orders[count], err);
		if (r < 0)
			return -1;
		count += (size_t)r;
	}
	/* Names that resolve to this server are added. If DNS answers nothing about a number of
	 * domains, the next run continues. */
	for (size_t i = 0; i < count; i = end) {
		end = count - i < DOMAINS_AT_ONCE ? count : i + DOMAINS_AT_ONCE;
		for (size_t j = i; j < end; j++)
			order_leave_to_others(run, &orders[j]);
		if (!orders_locate(run, orders + i, end - i))
			break;
		for (size_t j = i; j < end; j++)
			if (issue_order(run, &orders[j], err) < 0)
				return -1;
	}
	return 0;
}

bool renewal_is_due(struct arena *memory, const struct settings *settings)
{
	struct error ignored;
	const char *directory = managed_directory(memory, &settings->tls.certificates, &ignored);

	return !directory || schedule_is_due(managed_keys_directory(memory, directory), time(NULL));
}

int renewal_run_scheduled(struct acme_run *run, bool is_due, struct missing_counts *ret_counts,
			  struct error *err)
{
	const struct settings *settings = run->settings;
	time_t next = run->now + RENEWAL_PAUSE;

	if (is_due && renewal_run(run, 0, err) < 0)
		return -1;
	if (run->n_failed)
		next = run->now + RETRY_PAUSE;
	for (size_t i = 0; i < run->n_managed; i++) {
		const struct listed_certificate *listed = run->managed[i].listed;
		time_t due = listed->problem ? 0 : order_due_time(&listed->certificate);

		if (due > run->now && due < next)
			next = due;
	}
	if (is_due && !run->is_dry && !run->n_requested)
		schedule_set(run->uacme.directory, next);
	if (settings->acme.request_missing == REQUEST_MISSING_YES)
		return missing_request(run, settings->acme.server, ret_counts, err);
	return 0;
}
