#include "acme/missing.h"

#include "acme/issue.h"
#include "acme/order.h"
#include "acme/run.h"
#include "acme/schedule.h"
#include "config/settings.h"
#include "dns/wanted.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/idna.h"

/* Domains whose names are looked up before the first of them is requested: this bounds the memory.
 */
#define DOMAINS_AT_ONCE ((size_t)1024)

struct search {
	struct acme_run *run;
	const char *server;
	bool has_answer; /* DNS answered something */
	struct missing_counts counts;
};

int missing_names_find(struct store *store, struct arena *memory, const struct coverage *coverage,
		       const char *domain, struct texts *ret_names, struct error *err)
{
	const struct query query = { .domain = domain };
	const char *const *names;
	struct match match;
	size_t count;
	int r = store_match(store, memory, &query, &match, err);

	*ret_names = TEXTS_IN(memory);
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : -1;
	names = wanted_names(memory, domain, match.provider.pacc, &count);
	for (size_t i = 0; i < count; i++)
		if (!coverage_has(memory, coverage, names[i]))
			texts_add(ret_names, names[i]);
	return 0;
}

static void skip_domain(struct search *search, enum skip_reason reason, const char *domain,
			const char *why)
{
	static const char *const words[SKIP_REASONS] = {
		[SKIP_ELSEWHERE] = "elsewhere",
		[SKIP_UNANSWERED] = "unanswered",
		[SKIP_BACKOFF] = "postponed",
		[SKIP_REFUSED] = "refused",
	};

	if (search->counts.skipped[reason].count++ == 0) {
		search->counts.skipped[reason].domain = domain;
		search->counts.skipped[reason].why = why;
	}
	if (search->run->wants_all)
		acme_run_skip(search->run, domain, words[reason], why);
}

static bool skip_if_failed_lately(struct search *search, const char *domain)
{
	if (backoff_until(search->run->uacme.directory, domain) <= search->run->now)
		return false;
	skip_domain(search, SKIP_BACKOFF, domain,
		    "failed recently and is retried later; to retry now, request it by name");
	return true;
}

static int issue_missing(struct search *search, struct order *order, struct error *err)
{
	int r = issue_order(search->run, order, err);

	if (r == ISSUE_REFUSED)
		skip_domain(search, SKIP_REFUSED, order->domain,
			    arena_strdup(search->run->memory, err->text));
	return r < 0 ? -1 : 0;
}

/* Requests those that resolve to this server, and counts the others. */
static int issue_all(struct search *search, struct order *orders, size_t count, struct error *err)
{
	search->has_answer |= orders_locate(search->run, orders, count);
	for (size_t i = 0; i < count; i++) {
		struct choice choice = order_judge(search->run, &orders[i]);

		if (choice.verdict == ORDER_EMPTY)
			skip_domain(search, SKIP_ELSEWHERE, orders[i].domain,
				    "none of its names resolves to this server");
		else if (choice.verdict == ORDER_UNANSWERED)
			skip_domain(search, SKIP_UNANSWERED, orders[i].domain, choice.problem);
		else if ((choice.verdict == ORDER_REQUEST || search->run->wants_all) &&
			 issue_missing(search, &orders[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Returns 1 if a name of the domain has no certificate and one is to be requested, 0, or -1 with
 * err set. */
static int needs_certificate(struct search *search, const struct domain *domain, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct acme_run *run = search->run;
	struct texts names;
	bool is_covered;

	if (!domain->is_enabled || text_equals(domain->name, "*"))
		return 0;
	if (domain_is_pattern(domain->name)) {
		if (!*run->settings->acme.dns_hook)
			return 0;
		is_covered = coverage_has(&memory, &run->coverage, domain->name);
	} else {
		if (missing_names_find(run->store, &memory, &run->coverage, domain->name, &names,
				       err) < 0)
			return -1;
		is_covered = names.count == 0;
	}
	search->counts.n_domains++;
	return !is_covered && !skip_if_failed_lately(search, domain->name);
}

static int request_domains(struct search *search, const struct domain *domains, size_t count,
			   struct error *err)
{
	struct order *orders = arena_array(search->run->memory, struct order, DOMAINS_AT_ONCE);
	size_t n_orders = 0;

	for (size_t i = 0; i < count; i++) {
		struct order *order = &orders[n_orders];
		int r = needs_certificate(search, &domains[i], err);

		if (r < 0)
			return -1;
		if (r == 0)
			continue;
		*order = order_begin(search->run, ORDER_MISSING, domains[i].name, search->server);
		if (order_add_wanted(search->run, order, err) < 0)
			return -1;
		order_leave_to_others(search->run, order);
		if (!domain_is_pattern(domains[i].name))
			n_orders++;
		else if (issue_missing(search, order, err) < 0)
			return -1;
		if (n_orders == DOMAINS_AT_ONCE) {
			if (issue_all(search, orders, n_orders, err) < 0)
				return -1;
			n_orders = 0;
		}
	}
	return issue_all(search, orders, n_orders, err);
}

/* Public names that are in no domain have a certificate each. */
static int request_hosts(struct search *search, const struct domain *domains, size_t count,
			 struct error *err)
{
	struct acme_run *run = search->run;

	for (size_t i = 0; i < run->hosts.count; i++) {
		const char *host = run->hosts.items[i];
		bool is_done = coverage_has(run->memory, &run->coverage, host);
		struct order order;

		for (size_t j = 0; j < count && !is_done; j++)
			is_done = domains[j].is_enabled &&
				  host_name_is_within(host, domains[j].name);
		if (is_done)
			continue;
		search->counts.n_domains++;
		if (skip_if_failed_lately(search, host))
			continue;
		order = order_begin(run, ORDER_MISSING, host, search->server);
		order_add(run, &order, host);
		if (issue_all(search, &order, 1, err) < 0)
			return -1;
	}
	return 0;
}

int missing_request(struct acme_run *run, const char *server, struct missing_counts *ret_counts,
		    struct error *err)
{
	struct search search = { .run = run, .server = server };
	const struct domain_filter all = { 0 };
	struct domain *domains;
	size_t count;

	if (store_list_domains(run->store, run->memory, &all, &domains, &count, err) != 0 ||
	    request_domains(&search, domains, count, err) < 0 ||
	    request_hosts(&search, domains, count, err) < 0)
		return -1;
	*ret_counts = search.counts;
	if (search.counts.skipped[SKIP_UNANSWERED].count && !search.has_answer)
		return error_set(err, ERROR_SYSTEM, "DNS gave no answer: %s",
				 search.counts.skipped[SKIP_UNANSWERED].why);
	return 0;
}
