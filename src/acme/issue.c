#include "acme/issue.h"

#include <jansson.h>
#include <unistd.h>

#include "acme/challenge.h"
#include "acme/order.h"
#include "acme/probe.h"
#include "acme/run.h"
#include "acme/schedule.h"
#include "config/settings.h"
#include "dns/caa.h"
#include "doctor/memo.h"
#include "doctor/stream.h"
#include "import/download.h"
#include "mail/address.h"
#include "tls/certificate-file.h"
#include "util/process.h"

/* The directory of a CA (RFC 8555 7.1.1) is small. */
#define DIRECTORY_MAX ((size_t)64 * 1024)

/* Outcomes of what is found out before the CA is asked, because CAs count failures: it would refuse
 * the order, or cannot be reached at all. */
enum { PREFLIGHT_REFUSED = 1, PREFLIGHT_UNREACHABLE };

/* Requests a token from the plain listener, once in a run, and from the web servers at the names,
 * which corrects where the names are. */
static int probe_names(struct acme_run *run, struct order *order, const struct choice *choice,
		       struct error *err)
{
	const struct texts *listen_http = &run->settings->server.listen_http;
	const char *directory = run->uacme.challenges;
	struct probe probe;

	if (!listen_http->count) {
		error_set(err, ERROR_CONFIG,
			  "[server] listen-http is empty, but the CA validates names on port 80");
		return error_hint(err, "set it to [::]:80 and restart mailconfd, or use DNS-01 "
				       "with dns-hook in [acme]");
	}
	if (!run->silent)
		run->silent = memo_new();
	if (!run->trust && trust_load(NULL, &run->trust, err) < 0)
		return -1;
	probe = (struct probe){
		.listen = listen_http->items[0],
		.silent = run->silent,
		.resolver = run->resolver,
		.trust = run->trust,
	};
	if (challenge_show(run->memory, directory, &probe.token, &probe.text, err) < 0)
		return -1;
	if (!run->can_show_challenges)
		run->can_show_challenges = probe_own_listener(run->memory, &probe, err) == 0;
	for (size_t i = 0; i < order->count && run->can_show_challenges; i++)
		if (texts_has(&choice->names, order->places[i].name))
			probe_place(run->memory, &probe, &order->places[i]);
	challenge_hide(directory, probe.token);
	return run->can_show_challenges ? 0 : -1;
}

/* Chooses how the CA validates the chosen names: by DNS-01 if there is a wildcard, and always if
 * listen-http is empty and there is a dns-hook; else by HTTP-01. Returns 0, PREFLIGHT_REFUSED with
 * err set, or -1 with err set if no order can be placed. */
static int prepare_challenges(struct acme_run *run, struct order *order,
			      const struct choice *choice, struct error *err)
{
	const char *hook = run->settings->acme.dns_hook;
	bool has_wildcard = false;

	for (size_t i = 0; i < choice->names.count; i++)
		has_wildcard |= domain_is_pattern(choice->names.items[i]);
	run->uacme.dns_hook = NULL;
	if (has_wildcard && !*hook) {
		error_set(err, ERROR_CONFIG,
			  "a wildcard certificate requires DNS-01, but [acme] dns-hook is empty");
		error_hint(err, "set dns-hook in [acme] of the settings");
		return PREFLIGHT_REFUSED;
	}
	if (!*hook || (!has_wildcard && run->settings->server.listen_http.count))
		return probe_names(run, order, choice, err);
	if (process_check_program(hook, err) < 0)
		return error_prefix(err, "[acme] dns-hook");
	run->uacme.dns_hook = hook;
	return 0;
}

/* Fetches the directory of the CA, and from it the names of the CA in CAA records. Returns 0, or -1
 * with err set if the CA cannot be reached. */
static int fetch_directory(struct acme_run *run, struct authority *authority, struct error *err)
{
	struct texts identities = TEXTS_IN(run->memory);
	const char *text, *name;
	json_t *directory;
	const json_t *list;
	size_t size;

	text = download(run->memory, authority->server, false, NULL, DIRECTORY_MAX, &size, err);
	if (!text)
		return -1;
	directory = json_loadb(text, size, 0, NULL);
	if (!directory)
		return error_set(err, ERROR_INPUT, "'%s' is not the directory of a CA",
				 authority->server);
	list = json_object_get(json_object_get(directory, "meta"), "caaIdentities");
	for (size_t i = 0; i < json_array_size(list); i++) {
		name = json_string_value(json_array_get(list, i));
		if (name)
			texts_add(&identities, arena_strdup(run->memory, name));
	}
	json_decref(directory);
	authority->identities = identities;
	authority->has_identities = true;
	return 0;
}

/* Whether CAA records let the CA issue for the chosen names. Records that cannot be looked up do
 * not hold up a renewal in the last part of the certificate's lifetime. Returns 0, or an outcome
 * with err set. */
static int check_caa(struct acme_run *run, const struct order *order, const struct choice *choice,
		     struct error *err)
{
	struct authority *authority = acme_run_authority(run, order->server);
	size_t count = choice->names.count;
	struct caa_set *sets = arena_array(run->memory, struct caa_set, count);

	for (size_t i = 0; i < count; i++)
		sets[i] = (struct caa_set){ .name = choice->names.items[i] };
	caa_find(run->memory, run->resolver, sets, count);
	for (size_t i = 0; i < count; i++) {
		bool is_dns = run->uacme.dns_hook || domain_is_pattern(sets[i].name);
		struct caa_issuer issuer = { .method = is_dns ? "dns-01" : "http-01" };
		const char *objection;

		if (sets[i].failure && order->kind == ORDER_RENEWAL && run->now >= choice->until)
			continue;
		if (sets[i].failure) {
			error_set(err, ERROR_SYSTEM, "%s; nothing is requested before DNS answers",
				  sets[i].failure);
			error_hint(err, "try again later");
			return PREFLIGHT_REFUSED;
		}
		if (caa_names_issuers(run->memory, &sets[i])) {
			if (!authority->has_identities && fetch_directory(run, authority, err) < 0)
				return PREFLIGHT_UNREACHABLE;
			issuer.identities = authority->identities.items;
			issuer.n_identities = authority->identities.count;
		}
		objection = caa_find_objection(run->memory, &sets[i], &issuer);
		if (!objection)
			continue;
		if (issuer.n_identities)
			error_set(err, ERROR_DATA, "%s: %s, but the CA is %s; nothing is requested",
				  sets[i].name, objection, issuer.identities[0]);
		else
			error_set(err, ERROR_DATA, "%s: %s; nothing is requested", sets[i].name,
				  objection);
		return PREFLIGHT_REFUSED;
	}
	return 0;
}

/* Reads what was stored as the daemon does, and waits until it serves that; after one timeout, not
 * for later certificates. */
static int store_certificate(struct acme_run *run, const struct uacme_issue *issue,
			     const char *file, struct outcome *outcome, struct error *err)
{
	gid_t group = managed_group(run->memory, run->directory, run->database);
	const struct texts *listen = &run->settings->server.listen_https;
	struct certificate certificate;
	struct error why;

	if (managed_store(file, group, run->uacme.server, issue->chain_file, issue->key_file, err) <
		    0 ||
	    certificate_file_load(run->memory, file, NULL, NULL, NULL, &certificate, err) < 0)
		return -1;
	outcome->file = file;
	outcome->expires = certificate_date(run->memory, certificate.expires);
	if (!run->cannot_see_served) {
		if (!listen->count)
			error_set(&why, ERROR_CONFIG, "[server] listen-https is empty");
		run->cannot_see_served = !listen->count ||
					 (!run->trust && trust_load(NULL, &run->trust, &why) < 0) ||
					 probe_wait_until_served(run->memory, listen->items[0],
								 run->trust, &certificate,
								 &why) < 0;
		if (run->cannot_see_served)
			outcome->unserved = arena_printf(run->memory,
							 "cannot confirm that mailconfd serves the "
							 "stored certificate: %s",
							 why.text);
	}
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
	int r = 0;

	if (access(file, F_OK) == 0 && !managed_server(run->memory, file)) {
		outcome->problem = arena_printf(
			run->memory, "'%s' exists and was not requested by mailconfctl", file);
		outcome->hint = "move it away";
		return 0;
	}
	if (authority->closed) {
		outcome->problem = authority->closed;
		outcome->hint = authority->hint;
		outcome->is_repeated = true;
		return 0;
	}
	if (!run->is_dry) {
		r = prepare_challenges(run, order, choice, err);
		if (r < 0)
			return -1;
		if (r == 0)
			take_choice(run, order, choice, outcome);
	}
	if (r == 0 && choice->verdict == ORDER_REQUEST) {
		r = check_caa(run, order, choice, err);
		outcome->is_refused = r == PREFLIGHT_REFUSED;
	}
	if (r != 0)
		set_problem(run, outcome, err);
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
	if (r == UACME_LIMITED || fetch_directory(run, authority, &ignored) < 0)
		close_authority(authority, outcome);
	else
		backoff_note_failure(run->uacme.directory, outcome->domain);
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
	/* An order that seemed possible: the CA would refuse it, or another web server answers at a
	 * name without which nothing is left to request. */
	if (choice.verdict == ORDER_REQUEST && outcome.is_refused)
		refusal = outcome.problem;
	for (size_t i = 0; choice.verdict != ORDER_REQUEST && i < order->count && !refusal; i++)
		if (order->places[i].response)
			refusal = arena_printf(run->memory, "%s %s", order->places[i].name,
					       order->places[i].reason);
	if (order->kind == ORDER_MISSING && refusal) {
		error_set(err, ERROR_DATA, "%s", refusal);
		return ISSUE_REFUSED;
	}
	report_order(run, order, &choice, &outcome);
	return 0;
}
