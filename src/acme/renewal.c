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

/* Why a certificate that is due is not renewed; NULL if it is. A removed domain is
 * reported even if its certificate is not due. */
static int find_objection(const struct acme_run *run, const struct managed_certificate *managed,
			  bool is_asked_for, const char **ret_objection, bool *ret_is_removed,
			  struct error *err)
{
	const struct certificate *certificate = &managed->listed->certificate;
	enum use use;

	*ret_objection = NULL;
	if (retired_find_use(run->store, run->memory, run->settings->server.public_name,
			     certificate, &use, err) != 0)
		return -1;
	if (use == USE_NONE && run->lacks_rows)
		use = USE_SERVED;
	*ret_is_removed = use == USE_NONE;
	if (use == USE_NONE)
		*ret_objection = "was removed, so its certificate is not renewed; 'certificate "
				 "prune' deletes it";
	else if (use == USE_DISABLED)
		*ret_objection = arena_printf(run->memory,
					      "is disabled, so its certificate is not renewed; use "
					      "'domain enable %s'",
					      managed->domain);
	else if (certificate->expires < run->now - DAYS_GIVEN_UP * DAY)
		*ret_objection = "has a certificate that expired long ago and is not renewed; "
				 "request it again, or remove its file";
	else if (!is_asked_for && backoff_until(run->uacme.directory, managed->domain) > run->now)
		*ret_objection = "failed recently and is retried later; --days retries now";
	return 0;
}

/* Orders of certificates that are not due: they may get names that resolve to this server. */
struct additions {
	struct order *orders;
	size_t count;
};

/* Whether the certificate is one for a public name alone. */
static bool is_for_host(const struct acme_run *run, const struct order *order)
{
	return order->count == 1 && text_equals(order->places[0].name, order->domain) &&
	       texts_has(&run->hosts, order->domain);
}

/* Issues the order if the certificate is due, else adds it to the additions. */
static int renew_certificate(struct acme_run *run, const struct managed_certificate *managed,
			     unsigned long days, struct additions *additions, struct error *err)
{
	struct order order = order_begin(run, ORDER_RENEWAL, managed->domain, managed->server);
	const char *objection;
	bool is_removed;

	if (days)
		order.is_due = order.present->expires - run->now < (time_t)days * DAY;
	if (find_objection(run, managed, days > 0, &objection, &is_removed, err) < 0)
		return -1;
	if (objection && (order.is_due || is_removed))
		acme_run_skip(run, managed->domain, "postponed", objection);
	if (objection)
		return 0;
	if (!is_for_host(run, &order) && order_add_wanted(run, &order, err) < 0)
		return -1;
	if (order.is_due)
		return issue_order(run, &order, err);
	if (order_validate(&order, err) == 0)
		additions->orders[additions->count++] = order;
	return 0;
}

/* Requests certificates again for names that resolve to this server and are not in them. If DNS
 * answers nothing about a number of domains, the next run continues. */
static int add_names(struct acme_run *run, struct additions *additions, struct error *err)
{
	for (size_t i = 0; i < additions->count; i += DOMAINS_AT_ONCE) {
		size_t left = additions->count - i;
		size_t count = left < DOMAINS_AT_ONCE ? left : DOMAINS_AT_ONCE;

		for (size_t j = i; j < i + count; j++)
			order_leave_to_others(run, &additions->orders[j]);
		if (!orders_locate(run, additions->orders + i, count))
			break;
		for (size_t j = i; j < i + count; j++)
			if (issue_order(run, &additions->orders[j], err) < 0)
				return -1;
	}
	return 0;
}

int renewal_run(struct acme_run *run, unsigned long days, struct error *err)
{
	struct additions additions = {
		.orders = arena_array(run->memory, struct order, run->n_managed),
	};

	for (size_t i = 0; i < run->n_managed; i++) {
		const struct managed_certificate *managed = &run->managed[i];

		if (managed->listed->problem)
			acme_run_fail(run, managed->domain, managed->listed->problem, NULL);
		else if (renew_certificate(run, managed, days, &additions, err) < 0)
			return -1;
	}
	return add_names(run, &additions, err);
}

bool renewal_is_due(struct arena *memory, const struct settings *settings)
{
	struct error ignored;
	const char *directory = managed_directory(memory, &settings->tls.certificates, &ignored);

	return !directory || schedule_is_due(managed_keys_directory(memory, directory), time(NULL));
}

/* When the first of the requested certificates becomes due, or after the pause. */
static time_t next_renewal(const struct acme_run *run)
{
	time_t next = run->now + (run->n_failed ? RETRY_PAUSE : RENEWAL_PAUSE);

	for (size_t i = 0; i < run->n_managed; i++) {
		const struct listed_certificate *listed = run->managed[i].listed;
		time_t due = listed->problem ? 0 : order_due_time(&listed->certificate);

		if (due > run->now && due < next)
			next = due;
	}
	return next;
}

int renewal_run_scheduled(struct acme_run *run, bool is_due, struct missing_counts *ret_counts,
			  struct error *err)
{
	const struct settings *settings = run->settings;

	if (is_due && renewal_run(run, 0, err) < 0)
		return -1;
	if (is_due && !run->is_dry && !run->n_requested)
		schedule_set(run->uacme.directory, next_renewal(run));
	if (settings->acme.request_missing == REQUEST_MISSING_YES)
		return missing_request(run, settings->acme.server, ret_counts, err);
	return 0;
}
