/* mailconfctl certificate renew: new ones for those that end soon, of those that were requested. */

#include <string.h>
#include <time.h>

#include "acme/backoff.h"
#include "acme/managed-certificate.h"
#include "acme/schedule.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "acme/issue.h"
#include "acme/missing.h"
#include "cli/options.h"
#include "acme/order.h"
#include "config/settings.h"
#include "http/retired-certificates.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define DAY ((time_t)24 * 60 * 60)
#define DAYS_GIVEN_UP 30
#define DAYS_MAX 36500

/* Between scheduled renewals, unless a certificate becomes due before; and after one in which a
 * certificate failed, as when DNS gave no answer. */
#define RENEWAL_PAUSE ((time_t)12 * 60 * 60)
#define RETRY_PAUSE ((time_t)60 * 60)

/* Of so many domains the names are looked up side by side. */
#define DOMAINS_AT_ONCE ((size_t)32)

/* Why one that is due is not renewed all the same; NULL if it is. A removed domain is to be told of
 * even if it is not due. */
static int find_objection(const struct issuing *issuing, const char *domain,
			  const struct certificate *certificate, bool is_asked_for,
			  const char **ret_objection, bool *ret_is_removed, struct error *err)
{
	struct admin *admin = issuing->admin;
	enum use use;

	*ret_objection = NULL;
	if (retired_find_use(admin->store, admin->memory, admin->settings->server.public_name,
			     certificate, &use, err) != 0)
		return -1;
	if (use == USE_NONE && admin->lacks_rows)
		use = USE_SERVED;
	*ret_is_removed = use == USE_NONE;
	if (use == USE_NONE)
		*ret_objection = "was removed, so its certificate is not renewed; 'certificate "
				 "prune' deletes it";
	else if (use == USE_DISABLED)
		*ret_objection = arena_printf(admin->memory,
					      "is disabled, so its certificate is not renewed; use "
					      "'domain enable %s'",
					      domain);
	else if (certificate->expires < issuing->now - DAYS_GIVEN_UP * DAY)
		*ret_objection = "expired long ago, so it is not renewed; request it again, or "
				 "remove its file";
	else if (!is_asked_for && failure_until(issuing->uacme.directory, domain) > issuing->now)
		*ret_objection = "failed lately, and is tried again later; --days tries now";
	return 0;
}

/* The orders of certificates that are not due: they may get names that resolve to this server. */
struct additions {
	struct order *orders;
	size_t count;
};

/* Whether the certificate is one for a public name alone. */
static bool is_for_host(const struct issuing *issuing, const struct order *order)
{
	return order->count == 1 && text_equals(order->places[0].name, order->domain) &&
	       public_hosts_have(&issuing->hosts, order->domain);
}

/* Places the order if the certificate is due, else adds it to the additions. */
static int renew_one(struct issuing *issuing, const char *file, const char *server,
		     const struct certificate *certificate, unsigned long days,
		     struct additions *additions, struct error *err)
{
	const char *domain = held_domain(issuing->admin->memory, file), *objection;
	struct order order = order_begin(issuing, ORDER_RENEWAL, domain, server);
	bool is_removed;

	order.is_due = issuing_is_due(issuing, certificate, days);
	if (find_objection(issuing, domain, certificate, days > 0, &objection, &is_removed, err) <
	    0)
		return -1;
	if (objection && (order.is_due || is_removed))
		issuing_pass(issuing, domain, "postponed", objection);
	if (objection)
		return 0;
	if (!is_for_host(issuing, &order) && order_add_wanted(issuing, &order, err) < 0)
		return -1;
	if (order.is_due)
		return issuing_place(issuing, &order, err);
	if (order_validate(&order, err) == 0)
		additions->orders[additions->count++] = order;
	return 0;
}

/* Requests names again that resolve to this server and are not in the certificate. If DNS answers
 * nothing about a number of domains, the next run continues. */
static int add_names(struct issuing *issuing, struct additions *additions, struct error *err)
{
	for (size_t i = 0; i < additions->count; i += DOMAINS_AT_ONCE) {
		size_t left = additions->count - i;
		size_t count = left < DOMAINS_AT_ONCE ? left : DOMAINS_AT_ONCE;

		for (size_t j = i; j < i + count; j++)
			order_leave_to_others(issuing, &additions->orders[j]);
		if (!orders_locate(issuing, additions->orders + i, count))
			break;
		for (size_t j = i; j < i + count; j++)
			if (issuing_place(issuing, &additions->orders[j], err) < 0)
				return -1;
	}
	return 0;
}

static int renew_all(struct issuing *issuing, unsigned long days, struct error *err)
{
	struct loaded_certificates *loaded = &issuing->loaded;
	struct arena *memory = issuing->admin->memory;
	struct additions additions = {
		.orders = arena_array(memory, struct order, loaded->n_files),
	};

	for (size_t i = 0; i < loaded->n_files; i++) {
		const char *file = loaded->files[i], *server = held_server(memory, file);

		if (!server || !text_equals(file, held_file(memory, issuing->directory,
							    held_domain(memory, file))))
			continue;
		if (!loaded->of_file[i])
			issuing_fail(issuing, held_domain(memory, file), loaded->problems[i]);
		else if (renew_one(issuing, file, server, loaded->of_file[i], days, &additions,
				   err) < 0)
			return -1;
	}
	return add_names(issuing, &additions, err);
}

/* Whether a scheduled renewal has something to do. */
static bool is_renewal_due(struct admin *admin)
{
	const char *directory;
	struct error ignored;

	directory = held_directory(admin->memory, &admin->settings->tls.certificates, &ignored);
	return !directory ||
	       schedule_is_due(held_keys_directory(admin->memory, directory), time(NULL));
}

/* When the first of the requested certificates becomes due, or after the pause. */
static time_t next_renewal(const struct issuing *issuing)
{
	time_t next = issuing->now + (issuing->n_failed ? RETRY_PAUSE : RENEWAL_PAUSE);

	for (size_t i = 0; i < issuing->loaded.count; i++) {
		const struct certificate *certificate = &issuing->loaded.certificates[i];
		time_t due = issuing_due_time(certificate);

		if (certificate->is_requested && due > issuing->now && due < next)
			next = due;
	}
	return next;
}

static int renew_as_scheduled(struct issuing *issuing, bool is_due, bool is_verbose,
			      struct error *err)
{
	const struct settings *settings = issuing->admin->settings;

	if (is_due && renew_all(issuing, 0, err) < 0)
		return -1;
	if (is_due && !issuing->is_trial && !issuing->n_requested)
		schedule_set(issuing->uacme.directory, next_renewal(issuing));
	if (settings->acme.request_missing == REQUEST_MISSING_YES)
		return missing_request(issuing, settings->acme.server, is_verbose, err);
	return 0;
}

static int run(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	bool is_scheduled = option_is_given(arguments, "scheduled"), is_due;
	const char *text = option_value(arguments, "days");
	unsigned long days = 0;
	struct issuing issuing;
	int r;

	if (text && !number_parse(text, 1, DAYS_MAX, &days))
		return usage_error(admin->memory, arguments->command, err,
				   "--days '%s' is not a number of days, from 1 to %d", text,
				   DAYS_MAX);
	if (text && is_scheduled)
		return usage_error(admin->memory, arguments->command, err,
				   "either --days or --scheduled");
	is_due = !is_scheduled || is_renewal_due(admin);
	if (!is_due && admin->settings->acme.request_missing == REQUEST_MISSING_NO)
		return 0;
	r = issuing_open(&issuing, admin, arguments, err);
	if (r == 0 && is_scheduled)
		r = renew_as_scheduled(&issuing, is_due, option_is_given(arguments, "verbose"),
				       err);
	else if (r == 0)
		r = renew_all(&issuing, days, err);
	if (r == 0)
		r = issuing_end(&issuing, err);
	issuing_close(&issuing);
	return r;
}

static const struct option options[] = {
	{ "days", "NUMBER", "those that end within so many days (30, or a third of their time)" },
	{ "scheduled", NULL, "for a timer: renew if it is time, and request missing ones" },
	{ 0 },
};

const struct command certificate_renew = {
	.family = "certificate",
	.verb = "renew",
	.arguments = "",
	.summary = "Renew requested certificates that end soon",
	.details =
		"Each from the certificate authority that issued it. Names that resolve to this "
		"server again\nare added. Files that 'certificate request' did not make are left "
		"alone.",
	.example = "mailconfctl certificate renew\n"
		   "mailconfctl certificate renew --days 60 --dry-run",
	.options = { options, issuing_options },
	.database = DATABASE_EXCERPT,
	.run = run,
};
