/* mailconfctl certificate request */

#include <unistd.h>

#include "acme/issue.h"
#include "acme/order.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "cli/commands/certificate-run.h"
#include "cli/options.h"
#include "cli/print.h"
#include "config/settings.h"
#include "doctor/expected.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/base.h"
#include "util/process.h"

static int fail_unserved(struct acme_run *run, const char *domain, struct error *err)
{
	struct error disabled;

	if (expected_find_disabled(run->store, run->memory, domain, &disabled, err) < 0)
		return -1;
	if (*disabled.text)
		acme_run_fail(run, domain, arena_printf(run->memory, "domain %s", disabled.text),
			      arena_strdup(run->memory, disabled.hint));
	else
		acme_run_fail(run, domain, "is not served here",
			      arena_printf(run->memory,
					   "add it first, with 'mailconfctl domain add %s'",
					   domain));
	return 0;
}

/* A wildcard domain of the database, or the names below any domain that is served. */
static int request_wildcard(struct acme_run *run, const char *server, const char *pattern,
			    struct error *err)
{
	struct order order = order_begin(run, ORDER_NAMED, pattern, server);
	const char *domain = pattern;
	struct domain row;
	int r;

	if (text_equals(pattern, "*")) {
		acme_run_fail(run, pattern, "stands for all domains, and no certificate does",
			      "name a domain");
		return 0;
	}
	r = store_find_domain(run->store, run->memory, pattern, &row, err);
	if (r == STORE_NOT_FOUND) {
		domain = pattern + strlen("*.");
		r = store_serving_domain(run->store, run->memory, domain, &row, err);
	}
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	if (r == STORE_NOT_FOUND || !row.is_enabled)
		return fail_unserved(run, domain, err);
	order_add(run, &order, pattern);
	return issue_order(run, &order, err);
}

static int request_word(struct acme_run *run, const char *server, const char *word,
			struct error *err)
{
	const char *domain = domain_parse(run->memory, word, true, err);
	struct order order;
	int r;

	if (!domain)
		return -1;
	if (domain_is_pattern(domain))
		return request_wildcard(run, server, domain, err);
	order = order_begin(run, ORDER_NAMED, domain, server);
	r = order_add_wanted(run, &order, err);
	if (r < 0)
		return -1;
	if (r == STORE_NOT_FOUND) {
		/* A public name outside all domains gets a certificate for itself. */
		if (!texts_has(&run->hosts, domain))
			return fail_unserved(run, domain, err);
		order = order_begin(run, ORDER_NAMED, domain, server);
		order_add(run, &order, domain);
	}
	return issue_order(run, &order, err);
}

#define TIMER "mailconfd-renew.timer"
#define PATIENCE_SECONDS 10

/* The installation enables nothing by itself. Does nothing where systemd does not run, as
 * sd_booted(3) finds out. */
static void report_renewal_timer(struct arena *memory)
{
	static const char *const words[] = { "systemctl", "is-enabled", TIMER, NULL };
	struct process_end end;
	struct error ignored;
	const char *state = "";

	if (access("/run/systemd/system", F_OK) < 0)
		return;
	/* "enabled", "disabled", or another state of systemctl(1). */
	if (process_run(memory, words, NULL, PATIENCE_SECONDS, &end, &ignored) == 0)
		state = arena_strndup(memory, end.output, strcspn(end.output, "\n"));
	if (strchr(state, ' ') || !*state || text_equals(state, "not-found"))
		warning_print("systemd has no " TIMER,
			      "run 'mailconfctl certificate renew --scheduled' from cron");
	else if (text_starts_with_ignoring_case(state, "enabled"))
		puts(TIMER " is enabled and renews certificates");
	else
		warning_print(arena_printf(memory,
					   TIMER " is %s, so systemd does not renew certificates",
					   state),
			      "run 'systemctl enable --now " TIMER "'");
}

static int run_request(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *given = option_value(arguments, "server");
	const char *server = given ? given : admin->settings->acme.server;
	bool wants_missing = option_is_given(arguments, "missing");
	struct missing_counts counts = { 0 };
	struct certificate_run run;
	int r;

	if (!arguments->count == !wants_missing)
		return usage_error(arguments, err, "name domains, or use --missing");
	if (strncmp(server, "https://", strlen("https://")) != 0)
		return usage_error(arguments, err,
				   "--server '%s' is not the https URL of a CA's directory",
				   server);
	r = certificate_run_open(&run, admin, arguments, err);
	run.acme.email = option_value(arguments, "email");
	run.acme.accepts_terms = option_is_given(arguments, "accept-terms");
	if (r == 0 && wants_missing)
		r = missing_request(&run.acme, server, &counts, err);
	certificate_run_print_skipped(&run, &counts);
	for (size_t i = 0; i < arguments->count && r == 0; i++)
		r = request_word(&run.acme, server, arguments->words[i], err);
	if (r == 0)
		r = acme_run_result(&run.acme, err);
	if (run.acme.n_requested && !arguments->is_json)
		report_renewal_timer(admin->memory);
	certificate_run_close(&run);
	return r;
}

static const struct option options[] = {
	{ "missing", NULL, "request for all domains and public names without a certificate" },
	{ "server", "URL", "URL of the CA's directory (default: that of the settings)" },
	{ "accept-terms", NULL, "accept the terms of service of the CA" },
	{ "email", "ADDRESS", "contact address for a new account at the CA" },
	{ 0 },
};

const struct command certificate_request = {
	.name = "certificate request",
	.arguments = "[DOMAIN ...]",
	.summary = "Request certificates by ACME for the names of this server",
	.details = "Each domain gets one certificate for those of these names that resolve to this "
		   "server:\n"
		   "autoconfig.DOMAIN, autodiscover.DOMAIN, with PACC ua-auto-config.DOMAIN, the "
		   "public\n"
		   "name and DOMAIN. mailconfd must run, because the CA validates the names on "
		   "port 80.",
	.example = "mailconfctl certificate request example.org --accept-terms\n"
		   "mailconfctl certificate request --missing",
	.options = { options, certificate_run_options },
	.database = DATABASE_EXCERPT,
	.run = run_request,
};
