#include "acme/issue.h"

#include <unistd.h>

#include "acme/order.h"
#include "acme/preflight.h"
#include "acme/probe.h"
#include "acme/run.h"
#include "acme/schedule.h"
#include "config/settings.h"
#include "doctor/stream.h"
#include "tls/certificate-file.h"

/* Waits until the daemon serves it; after one timeout, not for later certificates. */
static void wait_until_served(struct acme_run *run, const struct certificate *certificate,
			      struct outcome *outcome)
{
	const struct texts *listen = &run->settings->server.listen_https;
	struct error why;

	if (run->cannot_see_served)
		return;
	if (!listen->count)
		error_set(&why, ERROR_CONFIG, "[server] listen-https is empty");
	else if ((run->trust || trust_load(NULL, &run->trust, &why) == 0) &&
		 probe_wait_until_served(run->memory, listen->items[0], run->trust, certificate,
					 &why) == 0)
		return;
	run->cannot_see_served = true;
	outcome->unserved = arena_printf(run->memory,
					 "cannot confirm that mailconfd serves the stored "
					 "certificate: %s",
					 why.text);
}

/* Reads what was stored as the daemon does. */
static int store_certificate(struct acme_run *run, const struct uacme_issue *issue,
			     const char *file, struct outcome *outcome, struct error *err)
{
	gid_t group = managed_group(run->memory, run->directory, run->database);
	struct certificate certificate;

	if (managed_store(file, group, run->uacme.server, issue->chain_file, issue->key_file, err) <
		    0 ||
	    certificate_file_load(run->memory, file, NULL, NULL, NULL, &certificate, err) < 0)
		return -1;
	outcome->file = file;
	outcome->expires = certificate_date(run->memory, certificate.expires);
	wait_until_served(run, &certificate, outcome);
	certificate_clear(&certificate);
	return 0;
}

static void set_problem(struct acme_run *run, struct outcome *outcome, const struct error *why)
{
	outcome->problem = arena_strdup(run->memory, why->text);
	outcome->hint = *why->hint ? arena_strdup(run->memory, why->hint) : NULL;
}

/* The CA is not asked again in this run. */
static void close_authority(struct authority *authority, const struct outcome *outcome)
{
	authority->closed = outcome->problem;
	authority->hint = outcome->hint;
}

static void take_choice(struct acme_run *run, const struct order *order, struct choice *choice,
			struct outcome *outcome)
{
	*choice = order_judge(run, order);
	outcome->names = choice->names.items;
	outcome->n_names = choice->names.count;
}

/* Looks for reasons for which the CA would refuse, cheapest first. Returns 0, with the outcome's
 * problem set if there is any, or -1 with err set if no order can be placed. */
static int check_order(struct acme_run *run, struct order *order, struct choice *choice,
		       struct outcome *outcome, struct error *err)
{
	const char *file = managed_file(run->memory, run->directory, order->domain);
	struct authority *authority = acme_run_authority(run, order->server);
	struct error why;
	int r = 0;

	if (access(file, F_OK) == 0 && !managed_server(run->memory, file)) {
		outcome->problem = arena_printf(
			run->memory, "'%s' exists and was not requested by mailconfctl", file);
		outcome->hint = "move it away";
		return 0;
	}
	outcome->problem = authority->closed;
	outcome->hint = authority->hint;
	outcome->is_repeated = authority->closed;
	if (authority->closed)
		return 0;
	if (!run->is_dry) {
		r = preflight_challenges(run, order, choice, &why);
		if (r < 0) {
			*err = why;
			return -1;
		}
		if (r == 0)
			take_choice(run, order, choice, outcome);
	}
	if (r == 0 && choice->verdict == ORDER_REQUEST) {
		r = preflight_caa(run, order, choice, &why);
		outcome->is_refused = r == PREFLIGHT_REFUSED;
	}
	if (r != 0)
		set_problem(run, outcome, &why);
	if (r == PREFLIGHT_UNREACHABLE)
		close_authority(authority, outcome);
	return 0;
}

static void request_certificate(struct acme_run *run, struct outcome *outcome)
{
	struct authority *authority = acme_run_authority(run, run->uacme.server);
	const char *file = managed_file(run->memory, run->directory, outcome->domain);
	struct uacme_issue issue;
	struct error why, ignored;
	int r;

	if (uacme_provide_account(run->memory, &run->uacme, run->email, run->accepts_terms, &why) !=
	    0) {
		set_problem(run, outcome, &why);
		close_authority(authority, outcome);
		return;
	}
	r = uacme_issue(run->memory, &run->uacme, outcome->names, outcome->n_names, &issue, &why);
	if (r == 0)
		r = store_certificate(run, &issue, file, outcome, &why);
	if (r == 0) {
		backoff_forget(run->uacme.directory, outcome->domain);
		schedule_clear(run->uacme.directory);
		run->n_requested++;
		return;
	}
	set_problem(run, outcome, &why);
	if (r == UACME_LIMITED)
		outcome->problem = arena_printf(run->memory, "rate limit of the CA: %s", why.text);
	if (r == UACME_LIMITED || preflight_reach(run, run->uacme.server, &ignored) != 0)
		close_authority(authority, outcome);
	else
		backoff_note_failure(run->uacme.directory, outcome->domain);
}

/* What was found out about an order that seemed possible: why the CA would refuse it, or a name
 * without which nothing is left to request; or NULL. */
static const char *find_refusal(struct acme_run *run, const struct order *order,
				const struct choice *choice, const struct outcome *outcome)
{
	if (choice->verdict == ORDER_REQUEST)
		return outcome->is_refused ? outcome->problem : NULL;
	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].response)
			return arena_printf(run->memory, "%s %s", order->places[i].name,
					    order->places[i].reason);
	return NULL;
}

static void report_order(struct acme_run *run, const struct order *order,
			 const struct choice *choice, struct outcome *outcome)
{
	switch (choice->verdict) {
	case ORDER_COMPLETE:
		if (order->kind == ORDER_RENEWAL)
			return;
		outcome->word = "kept";
		outcome->remark = "has a certificate for";
		outcome->expires = certificate_date(run->memory, order->present->expires);
		break;
	case ORDER_COVERED:
		outcome->word = "kept";
		outcome->remark = "has certificates for all its names";
		break;
	case ORDER_WAITS:
		outcome->word = "postponed";
		outcome->kept_until = certificate_date(run->memory, choice->until);
		break;
	case ORDER_UNANSWERED:
		outcome->word = "failed";
		outcome->problem = choice->problem;
		outcome->hint = "try again later";
		outcome->is_unanswered = true;
		break;
	case ORDER_EMPTY:
		outcome->word = "failed";
		outcome->problem = "none of its names resolves to this server; nothing is "
				   "requested";
		break;
	case ORDER_REQUEST:
		outcome->word = run->is_dry ? "would-request" : "requested";
		outcome->remark = run->is_dry ? "would request a certificate for"
					      : "new certificate for";
		if (outcome->problem)
			outcome->word = "failed";
		break;
	}
	acme_run_report(run, outcome);
}

int issue_order(struct acme_run *run, struct order *order, struct error *err)
{
	struct outcome outcome = { .domain = order->domain, .order = order };
	const char *refusal = NULL;
	struct choice choice;
	struct error why;

	if (order_validate(order, &why) < 0) {
		acme_run_fail(run, order->domain, arena_strdup(run->memory, why.text), NULL);
		return 0;
	}
	run->uacme.server = order->server;
	order_leave_to_others(run, order);
	if (!order->is_located)
		(void)orders_locate(run, order, 1);
	take_choice(run, order, &choice, &outcome);
	if (choice.verdict == ORDER_REQUEST && check_order(run, order, &choice, &outcome, err) < 0)
		return -1;
	if (choice.verdict == ORDER_REQUEST && !run->is_dry && !outcome.problem)
		request_certificate(run, &outcome);
	if (choice.verdict != ORDER_COMPLETE)
		local_names_find_wildcards(run->memory, run->resolver, order->places, order->count);
	if (order->kind == ORDER_MISSING)
		refusal = find_refusal(run, order, &choice, &outcome);
	if (refusal) {
		error_set(err, ERROR_DATA, "%s", refusal);
		return ISSUE_REFUSED;
	}
	report_order(run, order, &choice, &outcome);
	return 0;
}
