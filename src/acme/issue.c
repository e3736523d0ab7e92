#include "acme/issue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme/backoff.h"
#include "acme/managed-certificate.h"
#include "acme/schedule.h"
#include "acme/served.h"
#include "cli/challenges.h"
#include "admin/admin.h"
#include "cli/options.h"
#include "acme/order.h"
#include "cli/commands/certificate-run.h"
#include "acme/preflight.h"
#include "cli/print.h"
#include "config/settings.h"
#include "dns/resolver.h"
#include "doctor/connection.h"
#include "doctor/memo.h"
#include "tls/certificate-file.h"
#include "tls/certificates.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/error.h"
#include "util/process.h"

#define DAY ((time_t)24 * 60 * 60)
#define DAYS_LEFT 30

const struct option issuing_options[] = {
	{ "address", "ADDRESSES",
	  "the addresses of this server, with commas (its own, and those of public-name)" },
	{ "resolver", "ADDRESS", "ask this DNS resolver, IP or IP:PORT (that of the system)" },
	{ "dry-run", NULL, "only say what would be requested" },
	{ "verbose", NULL, "list the domains for which nothing is requested" },
	{ 0 },
};

/* Two at a time would write the same files. uacme goes by the path, and another user who could
 * change it would lead the keys anywhere. */
static int take_lock(struct issuing *issuing, struct error *err)
{
	_cleanup_(closep) int directory = directory_open_ours(issuing->directory, 0, err);
	_cleanup_(closep) int work = -1;

	if (directory < 0)
		return -1;
	work = directory_open_ours(issuing->uacme.directory, 0700, err);
	if (work < 0)
		return -1;
	issuing->lock = openat(work, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (issuing->lock < 0)
		return error_set(err, ERROR_SYSTEM, "cannot open '%s/lock': %s",
				 issuing->uacme.directory, strerror(errno));
	if (flock(issuing->lock, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, ERROR_SYSTEM,
				 "another mailconfctl is requesting certificates; wait until it is "
				 "done");
	return 0;
}

static const char *public_host(struct admin *admin)
{
	const char *name = admin->settings->server.public_name;

	return arena_strndup(admin->memory, name, strcspn(name, ":"));
}

int issuing_open_files(struct issuing *issuing, struct admin *admin,
		       const struct arguments *arguments, struct error *err)
{
	static const char *const columns[] = { "domain", NULL };

	*issuing = (struct issuing){
		.admin = admin,
		.directory = held_directory(admin->memory, &admin->settings->tls.certificates, err),
		.uacme.challenges = admin->settings->acme.directory,
		.is_trial = option_is_given(arguments, "dry-run"),
		.now = time(NULL),
		.lock = -1,
	};
	process_hide_memory();
	if (!issuing->directory)
		return -1;
	issuing->uacme.directory = held_keys_directory(admin->memory, issuing->directory);
	if (!issuing->is_trial && take_lock(issuing, err) < 0)
		return -1;
	if (certificates_of_settings(admin, &issuing->loaded, err) < 0)
		return -1;
	issuing->report = arguments->is_json ? list_new(columns, true) : NULL;
	return 0;
}

int issuing_open(struct issuing *issuing, struct admin *admin, const struct arguments *arguments,
		 struct error *err)
{
	if (issuing_open_files(issuing, admin, arguments, err) < 0)
		return -1;
	if (!*issuing->uacme.challenges)
		return error_set(
			err, ERROR_CONFIG,
			"[acme] directory is empty in the settings; name the directory for "
			"challenges there");
	issuing->coverage = coverage_of(admin->memory, issuing->loaded.certificates,
					issuing->loaded.count, issuing->now);
	if (resolver_new(option_value(arguments, "resolver"), &issuing->resolver, err) < 0 ||
	    ours_find(admin->memory, issuing->resolver, option_value(arguments, "address"),
		      public_host(admin), &issuing->ours, err) < 0)
		return -1;
	return public_hosts_find(admin, &issuing->hosts, err);
}

void issuing_close(struct issuing *issuing)
{
	loaded_certificates_clear(&issuing->loaded);
	resolver_free(issuing->resolver);
	trust_free(issuing->trust);
	memo_free(issuing->silent);
	if (issuing->report)
		list_end(issuing->report, "");
	list_free(issuing->report);
	if (issuing->lock >= 0)
		close(issuing->lock);
}

time_t issuing_due_time(const struct certificate *certificate)
{
	time_t part = (certificate->expires - certificate->starts) / 3;

	return certificate->expires - (part < DAYS_LEFT * DAY ? part : DAYS_LEFT * DAY);
}

bool issuing_is_due(const struct issuing *issuing, const struct certificate *certificate,
		    unsigned long days)
{
	if (days)
		return certificate->expires - issuing->now < (time_t)days * DAY;
	return issuing->now > issuing_due_time(certificate);
}

const struct certificate *issuing_held(const struct issuing *issuing, const char *domain)
{
	const char *file = held_file(issuing->admin->memory, issuing->directory, domain);

	for (size_t i = 0; i < issuing->loaded.n_files; i++)
		if (text_equals(issuing->loaded.files[i], file))
			return held_server(issuing->admin->memory, file)
				       ? issuing->loaded.of_file[i]
				       : NULL;
	return NULL;
}

static const char *day(struct arena *memory, time_t when)
{
	char text[sizeof("2026-11-26")] = "?";
	struct tm parts;

	if (gmtime_r(&when, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d", &parts);
	return arena_strdup(memory, text);
}

static void tell(struct issuing *issuing, const struct outcome *outcome)
{
	if (outcome->problem)
		issuing->n_failed++;
	if (issuing->report)
		list_add(issuing->report, outcome_entry(outcome));
	else if (!outcome->is_repeated)
		outcome_print(issuing->admin->memory, outcome);
}

void issuing_fail(struct issuing *issuing, const char *domain, const char *problem)
{
	const struct outcome outcome = { .domain = domain, .word = "failed", .problem = problem };

	tell(issuing, &outcome);
}

void issuing_pass(struct issuing *issuing, const char *domain, const char *word, const char *remark)
{
	const struct outcome outcome = { .domain = domain, .word = word, .remark = remark };

	tell(issuing, &outcome);
}

/* An authority that is of no use any more in this run; others may be. */
struct closed_authority {
	const char *server, *why;
	const struct closed_authority *next;
};

static const char *why_closed(const struct issuing *issuing)
{
	for (const struct closed_authority *at = issuing->closed; at; at = at->next)
		if (text_equals(at->server, issuing->uacme.server))
			return at->why;
	return NULL;
}

/* Returns why. */
static const char *close_authority(struct issuing *issuing, const char *why)
{
	struct arena *memory = issuing->admin->memory;
	struct closed_authority *closed = arena_array(memory, struct closed_authority, 1);

	*closed = (struct closed_authority){
		.server = issuing->uacme.server,
		.why = why,
		.next = issuing->closed,
	};
	issuing->closed = closed;
	return why;
}

static void ignore(const char *sentence, void *context)
{
}

/* Waits until the daemon serves it; after one timeout, not for later certificates. */
static void wait_until_served(struct issuing *issuing, const struct certificate *certificate,
			      struct outcome *outcome)
{
	struct admin *admin = issuing->admin;
	struct error why;

	if (issuing->is_blind)
		return;
	if (!issuing->trust && trust_load(NULL, &issuing->trust, &why) < 0)
		issuing->is_blind = true;
	else if (served_wait(admin->memory, &admin->settings->server.listen_https, issuing->trust,
			     certificate, &why) != 0)
		issuing->is_blind = true;
	if (issuing->is_blind)
		outcome->unserved = arena_printf(
			admin->memory,
			"the certificate is stored, but mailconfctl cannot "
			"confirm that mailconfd serves it: %s",
			why.text);
}

/* Reads what was stored as the daemon does. */
static int store(struct issuing *issuing, const struct uacme_issue *issue, const char *file,
		 struct outcome *outcome, struct error *err)
{
	struct arena *memory = issuing->admin->memory;
	struct certificate certificate;
	gid_t group = held_group(memory, issuing->directory, issuing->admin->database);

	if (held_store(file, group, issuing->uacme.server, issue->chain_file, issue->key_file,
		       err) < 0 ||
	    certificate_file_load(memory, file, ignore, NULL, &certificate, err) < 0)
		return -1;
	outcome->file = file;
	outcome->expires = day(memory, certificate.expires);
	wait_until_served(issuing, &certificate, outcome);
	certificate_clear(&certificate);
	return 0;
}

/* A file of that name that is not ours is not written over. */
static bool is_foreign(const char *file)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	return access(file, F_OK) == 0 && !held_server(&memory, file);
}

static void choose(struct issuing *issuing, const struct order *order, struct choice *choice,
		   struct outcome *outcome)
{
	*choice = order_judge(issuing, order);
	outcome->names = choice->names;
	outcome->n_names = choice->count;
}

/* Looks for reasons for which the CA would refuse, cheapest first. Returns 0
 * with the outcome's problem set if there is any, or -1 with err set if no order can be placed. */
static int prepare(struct issuing *issuing, struct order *order, struct choice *choice,
		   struct outcome *outcome, struct error *err)
{
	struct arena *memory = issuing->admin->memory;
	const char *file = held_file(memory, issuing->directory, outcome->domain);
	struct error why;

	if (is_foreign(file)) {
		outcome->problem = arena_printf(memory,
						"'%s' is there and was not requested by "
						"mailconfctl; move it away",
						file);
		return 0;
	}
	outcome->problem = why_closed(issuing);
	outcome->is_repeated = outcome->problem;
	if (outcome->problem)
		return 0;
	if (!issuing->is_trial) {
		int r = challenges_prepare(issuing, outcome->names, outcome->n_names, &why);

		if (r < 0)
			*err = why;
		if (r > 0)
			outcome->problem = arena_strdup(memory, why.text);
		if (r != 0)
			return r < 0 ? -1 : 0;
		if (!issuing->uacme.dns_hook && preflight_probe(issuing, order, choice, err) < 0)
			return -1;
		choose(issuing, order, choice, outcome);
	}
	if (choice->verdict == ORDER_REQUEST) {
		int r = preflight_caa(issuing, order, choice, &why);

		if (r != 0)
			outcome->problem = arena_strdup(memory, why.text);
		if (r == PREFLIGHT_UNREACHABLE)
			(void)close_authority(issuing, outcome->problem);
		outcome->is_refused = r == PREFLIGHT_REFUSED;
	}
	return 0;
}

/* What was found out about an order that seemed possible: why the CA would refuse it, or a name
 * without which nothing is left to request. NULL if there is no such reason. */
static const char *find_refusal(struct issuing *issuing, const struct order *order,
				const struct choice *choice, const struct outcome *outcome)
{
	if (choice->verdict == ORDER_REQUEST)
		return outcome->is_refused ? outcome->problem : NULL;
	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].response)
			return arena_printf(issuing->admin->memory, "%s %s", order->places[i].name,
					    order->places[i].reason);
	return NULL;
}

static void request(struct issuing *issuing, struct outcome *outcome)
{
	struct arena *memory = issuing->admin->memory;
	const char *file = held_file(memory, issuing->directory, outcome->domain);
	struct uacme_issue issue;
	struct error why;
	int r;

	if (uacme_provide_account(memory, &issuing->uacme, issuing->email, issuing->accepts_terms,
				  &why) != 0) {
		outcome->problem = close_authority(issuing, arena_strdup(memory, why.text));
		return;
	}
	r = uacme_issue(memory, &issuing->uacme, outcome->names, outcome->n_names, &issue, &why);
	if (r == 0)
		r = store(issuing, &issue, file, outcome, &why);
	if (r == 0) {
		failure_forget(issuing->uacme.directory, outcome->domain);
		schedule_clear(issuing->uacme.directory);
		issuing->n_requested++;
		return;
	}
	if (r == UACME_LIMITED) {
		outcome->problem = close_authority(
			issuing,
			arena_printf(memory, "the authority wants no more requests for now: %s",
				     why.text));
		return;
	}
	outcome->problem = arena_strdup(memory, why.text);
	if (preflight_reach(memory, issuing->uacme.server, &why) == 0)
		failure_note(issuing->uacme.directory, outcome->domain);
	else
		(void)close_authority(issuing, outcome->problem);
}

/* Tells what has been decided about an order, unless a certificate is to be requested. */
static void tell_choice(struct issuing *issuing, const struct choice *choice,
			struct outcome *outcome)
{
	struct arena *memory = issuing->admin->memory;

	switch (choice->verdict) {
	case ORDER_COMPLETE:
		if (outcome->order->kind == ORDER_RENEWAL)
			return;
		outcome->word = "kept";
		outcome->remark = "has a certificate for";
		outcome->expires = day(memory, outcome->order->held->expires);
		break;
	case ORDER_COVERED:
		outcome->word = "kept";
		outcome->remark = "has certificates for all its names";
		break;
	case ORDER_WAITS:
		outcome->word = "postponed";
		outcome->kept_until = day(memory, choice->until);
		break;
	case ORDER_UNANSWERED:
		outcome->word = "failed";
		outcome->problem = choice->problem;
		outcome->is_unanswered = true;
		break;
	case ORDER_EMPTY:
		outcome->word = "failed";
		outcome->problem = "none of its names resolves to this server; nothing is "
				   "requested";
		break;
	case ORDER_REQUEST:
		outcome->word = issuing->is_trial ? "would-request" : "requested";
		outcome->remark = issuing->is_trial ? "would request a certificate for"
						    : "new certificate for";
		if (outcome->problem)
			outcome->word = "failed";
		break;
	}
	tell(issuing, outcome);
}

int issuing_place(struct issuing *issuing, struct order *order, struct error *err)
{
	struct arena *memory = issuing->admin->memory;
	struct outcome outcome = { .domain = order->domain, .order = order };
	const char *refusal = NULL;
	struct choice choice;
	struct error why;

	if (order_validate(order, &why) < 0) {
		issuing_fail(issuing, order->domain, arena_strdup(memory, why.text));
		return 0;
	}
	issuing->uacme.server = order->server;
	order_leave_to_others(issuing, order);
	if (!order->is_located)
		(void)orders_locate(issuing, order, 1);
	choose(issuing, order, &choice, &outcome);
	if (choice.verdict == ORDER_REQUEST && prepare(issuing, order, &choice, &outcome, err) < 0)
		return -1;
	if (choice.verdict == ORDER_REQUEST && !issuing->is_trial && !outcome.problem)
		request(issuing, &outcome);
	if (choice.verdict != ORDER_COMPLETE)
		ours_find_wildcards(memory, issuing->resolver, order->places, order->count);
	if (order->kind == ORDER_MISSING)
		refusal = find_refusal(issuing, order, &choice, &outcome);
	if (refusal) {
		error_set(err, ERROR_DATA, "%s", refusal);
		return ISSUING_REFUSED;
	}
	tell_choice(issuing, &choice, &outcome);
	return 0;
}

int issuing_end(struct issuing *issuing, struct error *err)
{
	if (issuing->n_failed)
		return error_set(err, ERROR_INPUT, "%zu of %zu certificates could not be requested",
				 issuing->n_failed, issuing->n_failed + issuing->n_requested);
	return 0;
}
