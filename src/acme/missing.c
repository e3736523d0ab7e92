/*
 * Most domains without a certificate do not resolve to this server, and a timer looks again every
 * ten minutes. So one A record of each name is asked for first, and only where that could be ours,
 * all addresses of all names.
 */

#include "acme/missing.h"

#include <stdio.h>
#include <string.h>

#include "acme/backoff.h"
#include "acme/local-names.h"
#include "admin/admin.h"
#include "acme/issue.h"
#include "acme/order.h"
#include "cli/print.h"
#include "config/settings.h"
#include "dns/resolver.h"
#include "dns/wanted.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/idna.h"

/* Domains whose names are looked up before the first of them is requested: this bounds the memory.
 */
#define DOMAINS_AT_ONCE ((size_t)1024)

struct search {
	struct issuing *issuing;
	const char *server;
	bool is_verbose;
	bool has_ipv6;	 /* among the addresses of this server */
	bool has_answer; /* DNS answered something */
	size_t n_domains, n_elsewhere, n_unanswered, n_resting, n_refused;
	const char *unanswered, *refused; /* why, of the first */
};

/* Tells of a domain for which nothing is requested. */
static void pass(struct search *search, const char *domain, const char *word, const char *remark)
{
	if (search->is_verbose || search->issuing->report)
		issuing_pass(search->issuing, domain, word, remark);
}

static void pass_elsewhere(struct search *search, const char *domain)
{
	search->n_elsewhere++;
	pass(search, domain, "elsewhere", "no name of it resolves to this server");
}

static void pass_unanswered(struct search *search, const char *domain, const char *why)
{
	if (search->n_unanswered++ == 0)
		search->unanswered = why;
	pass(search, domain, "unanswered", why);
}

static void pass_refused(struct search *search, const char *domain, const char *why)
{
	struct arena *memory = search->issuing->admin->memory;

	if (search->n_refused++ == 0)
		search->refused = arena_printf(memory, "%s: %s", domain, why);
	pass(search, domain, "refused", arena_strdup(memory, why));
}

static bool rests(struct search *search, const char *domain)
{
	if (failure_until(search->issuing->uacme.directory, domain) <= search->issuing->now)
		return false;
	search->n_resting++;
	pass(search, domain, "postponed",
	     "failed lately, and is tried again later; to try now, request it by name");
	return true;
}

static bool is_covered(const struct search *search, const char *name)
{
	return coverage_has(search->issuing->admin->memory, &search->issuing->coverage, name);
}

/* Whether a name that clients ask for has no certificate. */
static int is_missing(struct search *search, const char *domain, bool *ret_missing,
		      struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct admin *admin = search->issuing->admin;
	const struct query query = { .domain = domain };
	const char *const *names;
	struct match match;
	size_t count;
	int r = store_match(admin->store, &memory, &query, &match, err);

	*ret_missing = false;
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : -1;
	names = wanted_names(&memory, domain, match.provider.pacc, &count);
	for (size_t i = 0; i < count && !*ret_missing; i++)
		*ret_missing = !is_covered(search, names[i]);
	return 0;
}

/* Whether the addresses of the name are worth a complete lookup. */
static bool may_be_here(const struct search *search, const struct dns_answer *answer)
{
	if (answer->outcome == DNS_NOTHING)
		return search->has_ipv6 && !answer->has_no_name;
	for (size_t i = 0; i < answer->count; i++)
		if (search->issuing->ours.doubt ||
		    ours_have(&search->issuing->ours, answer->records[i].text))
			return true;
	return false;
}

/* Reads the answers about the names of one order. Returns whether it is worth a complete lookup. */
static bool judge_first(struct search *search, const struct order *order,
			const struct dns_question *questions)
{
	const char *failure = NULL;

	for (size_t i = 0; i < order->count; i++) {
		search->has_answer |= questions[i].answer.outcome != DNS_FAILED;
		if (may_be_here(search, &questions[i].answer))
			return true;
		if (questions[i].answer.outcome == DNS_FAILED && !failure)
			failure = arena_printf(search->issuing->admin->memory,
					       "%s cannot be looked up: %s", questions[i].name,
					       questions[i].answer.failure);
	}
	if (failure)
		pass_unanswered(search, order->domain, failure);
	else
		pass_elsewhere(search, order->domain);
	return false;
}

/* Keeps the orders that are worth a complete lookup. Returns how many. */
static size_t sift(struct search *search, struct order *orders, size_t count)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct dns_question *questions;
	size_t total = 0, at = 0, kept = 0;

	for (size_t i = 0; i < count; i++)
		total += orders[i].count;
	questions = arena_array(&memory, struct dns_question, total);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < orders[i].count; j++)
			questions[at++] = (struct dns_question){ .name = orders[i].places[j].name,
								 .type = DNS_A };
	resolver_ask(search->issuing->resolver, &memory, questions, total);
	at = 0;
	for (size_t i = 0; i < count; i++) {
		size_t first = at;

		at += orders[i].count;
		if (judge_first(search, &orders[i], questions + first))
			orders[kept++] = orders[i];
	}
	return kept;
}

static int request_one(struct search *search, struct order *order, struct error *err)
{
	int r = issuing_place(search->issuing, order, err);

	if (r == ISSUING_REFUSED)
		pass_refused(search, order->domain, err->text);
	return r < 0 ? -1 : 0;
}

/* Requests domains that resolve to this server, and counts the others. */
static int place(struct search *search, struct order *order, struct error *err)
{
	struct choice choice = order_judge(search->issuing, order);

	if (choice.verdict == ORDER_EMPTY)
		pass_elsewhere(search, order->domain);
	else if (choice.verdict == ORDER_UNANSWERED)
		pass_unanswered(search, order->domain, choice.problem);
	else if (choice.verdict == ORDER_REQUEST || search->is_verbose || search->issuing->report)
		return request_one(search, order, err);
	return 0;
}

static int place_all(struct search *search, struct order *orders, size_t count, struct error *err)
{
	count = sift(search, orders, count);
	(void)orders_locate(search->issuing, orders, count);
	for (size_t i = 0; i < count; i++)
		if (place(search, &orders[i], err) < 0)
			return -1;
	return 0;
}

/* Begins the order of a domain. Returns whether there is one in ret_order, or -1 with err set. */
static int begin(struct search *search, const struct domain *domain, struct order *ret_order,
		 struct error *err)
{
	struct issuing *issuing = search->issuing;
	bool missing;

	if (!domain->is_enabled || text_equals(domain->name, "*"))
		return 0;
	if (domain_is_pattern(domain->name)) {
		if (!*issuing->admin->settings->acme.dns_hook)
			return 0;
		missing = !is_covered(search, domain->name);
	} else if (is_missing(search, domain->name, &missing, err) < 0) {
		return -1;
	}
	search->n_domains++;
	if (!missing || rests(search, domain->name))
		return 0;
	*ret_order = order_begin(issuing, ORDER_MISSING, domain->name, search->server);
	if (order_add_wanted(issuing, ret_order, err) < 0)
		return -1;
	order_leave_to_others(issuing, ret_order);
	return 1;
}

static int request_domains(struct search *search, const struct domain *domains, size_t count,
			   struct error *err)
{
	struct order *orders = arena_array(search->issuing->admin->memory, struct order,
					   DOMAINS_AT_ONCE);
	size_t n_orders = 0;

	for (size_t i = 0; i < count; i++) {
		int r = begin(search, &domains[i], &orders[n_orders], err);

		if (r < 0)
			return -1;
		if (r > 0 && domain_is_pattern(domains[i].name)) {
			if (request_one(search, &orders[n_orders], err) < 0)
				return -1;
			continue;
		}
		n_orders += r > 0;
		if (n_orders == DOMAINS_AT_ONCE) {
			if (place_all(search, orders, n_orders, err) < 0)
				return -1;
			n_orders = 0;
		}
	}
	return place_all(search, orders, n_orders, err);
}

static bool is_within_any(const char *name, const struct domain *domains, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (domains[i].is_enabled && host_name_is_within(name, domains[i].name))
			return true;
	return false;
}

/* Public names that are in no domain have a certificate each. */
static int request_hosts(struct search *search, const struct domain *domains, size_t count,
			 struct error *err)
{
	struct issuing *issuing = search->issuing;

	for (size_t i = 0; i < issuing->hosts.count; i++) {
		const char *host = issuing->hosts.names[i];
		struct order order;

		if (is_covered(search, host) || is_within_any(host, domains, count))
			continue;
		search->n_domains++;
		if (rests(search, host))
			continue;
		order = order_begin(issuing, ORDER_MISSING, host, search->server);
		order_add(issuing, &order, host);
		if (place_all(search, &order, 1, err) < 0)
			return -1;
	}
	return 0;
}

/* Once for all domains: on a large server most are like that. */
static void tell_counts(const struct search *search)
{
	const char *hint = search->is_verbose ? "" : "; --verbose lists them";

	if (search->issuing->report)
		return;
	if (search->n_elsewhere)
		printf("%zu of %zu domains have no name that resolves to this server%s\n",
		       search->n_elsewhere, search->n_domains, hint);
	if (search->n_resting)
		printf("%zu of %zu domains failed lately and are tried again later%s\n",
		       search->n_resting, search->n_domains, hint);
	if (search->n_refused)
		warning_print(
			arena_printf(search->issuing->admin->memory,
				     "the CA would refuse %zu of %zu domains%s; the first: %s",
				     search->n_refused, search->n_domains, hint, search->refused),
			NULL);
	if (search->n_unanswered)
		warning_print(arena_printf(search->issuing->admin->memory,
					   "%zu of %zu domains cannot be looked up now; the first: "
					   "%s",
					   search->n_unanswered, search->n_domains,
					   search->unanswered),
			      NULL);
}

int missing_request(struct issuing *issuing, const char *server, bool is_verbose, struct error *err)
{
	struct search search = { .issuing = issuing, .server = server, .is_verbose = is_verbose };
	const struct domain_filter all = { 0 };
	struct admin *admin = issuing->admin;
	struct domain *domains;
	size_t count;

	for (size_t i = 0; i < issuing->ours.count; i++)
		search.has_ipv6 |= strchr(issuing->ours.addresses[i], ':') != NULL;
	if (store_list_domains(admin->store, admin->memory, &all, &domains, &count, err) != 0 ||
	    request_domains(&search, domains, count, err) < 0 ||
	    request_hosts(&search, domains, count, err) < 0)
		return -1;
	tell_counts(&search);
	if (search.n_unanswered && !search.has_answer)
		return error_set(err, ERROR_SYSTEM, "DNS gave no answer: %s", search.unanswered);
	return 0;
}
