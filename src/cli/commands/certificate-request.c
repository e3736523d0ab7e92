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

struct request_command {
	struct admin *admin;
	struct certificate_run run;
	const char *server;
};

/* A public name outside all domains gets a certificate for itself. */
static int request_for_host(struct request_command *request, const char *name, struct error *err)
{
	struct order order = order_begin(&request->run.acme, ORDER_NAMED, name, request->server);

	order_add(&request->run.acme, &order, name);
	return issue_order(&request->run.acme, &order, err);
}

/* Returns 0, STORE_NOT_FOUND where nothing serves the domain, or -1 with err set. */
static int request_domain(struct request_command *request, const char *domain, struct error *err)
{
	struct order order = order_begin(&request->run.acme, ORDER_NAMED, domain, request->server);
	int r = order_add_wanted(&request->run.acme, &order, err);

	return r == 0 ? issue_order(&request->run.acme, &order, err) : r;
}

static int fail_unserved(struct request_command *request, const char *domain, struct error *err)
{
	struct admin *admin = request->admin;
	struct error disabled;

	if (expected_find_disabled(admin->store, admin->memory, domain, &disabled, err) < 0)
		return -1;
	if (*disabled.text)
		acme_run_fail(&request->run.acme, domain,
			      arena_printf(admin->memory, "domain %s", disabled.text),
			      arena_strdup(admin->memory, disabled.hint));
	else
		acme_run_fail(&request->run.acme, domain, "is not served here",
			      arena_printf(admin->memory,
					   "add it first, with 'mailconfctl domain add %s'",
					   domain));
	return 0;
}

/* A wildcard domain of the database, or the names below any domain that is served. */
static int request_wildcard(struct request_command *request, const char *pattern, struct error *err)
{
	struct order order = order_begin(&request->run.acme, ORDER_NAMED, pattern, request->server);
	struct admin *admin = request->admin;
	const char *domain = pattern;
	struct domain row;
	int r;

	if (text_equals(pattern, "*")) {
		acme_run_fail(&request->run.acme, pattern,
			      "stands for all domains, and no certificate does", "name a domain");
		return 0;
	}
	r = store_find_domain(admin->store, admin->memory, pattern, &row, err);
	if (r == STORE_NOT_FOUND) {
		domain = pattern + strlen("*.");
		r = store_serving_domain(admin->store, admin->memory, domain, &row, err);
	}
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	if (r == STORE_NOT_FOUND || !row.is_enabled)
		return fail_unserved(request, domain, err);
	order_add(&request->run.acme, &order, pattern);
	return issue_order(&request->run.acme, &order, err);
}

static int request_word(struct request_command *request, const char *word, struct error *err)
{
	struct arena *memory = request->admin->memory;
	const char *domain = domain_parse(memory, word, true, err);
	int r;

	if (!domain)
		return -1;
	if (domain_is_pattern(domain))
		return request_wildcard(request, domain, err);
	r = request_domain(request, domain, err);
	if (r == STORE_NOT_FOUND && texts_has(&request->run.acme.hosts, domain))
		return request_for_host(request, domain, err);
	return r == STORE_NOT_FOUND ? fail_unserved(request, domain, err) : r;
}

static int request_all(struct request_command *request, const struct arguments *arguments,
		       struct error *err)
{
	struct missing_counts counts = { 0 };
	int r = 0;

	if (option_is_given(arguments, "missing"))
		r = missing_request(&request->run.acme, request->server, &counts, err);
	certificate_run_print_skipped(&request->run, &counts);
	for (size_t i = 0; i < arguments->count && r == 0; i++)
		r = request_word(request, arguments->words[i], err);
	return r < 0 ? -1 : acme_run_result(&request->run.acme, err);
}

#define TIMER "mailconfd-renew.timer"
#define PATIENCE_SECONDS 10

/* As sd_booted(3) does it. */
static bool is_systemd_running(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* "enabled", "disabled", or another state of systemctl(1); NULL if the unit does not exist, or
 * systemctl cannot be run. */
static const char *find_timer_state(struct arena *memory)
{
	static const char *const words[] = { "systemctl", "is-enabled", TIMER, NULL };
	struct process_end end;
	struct error ignored;
	const char *state;

	if (process_run(memory, words, NULL, PATIENCE_SECONDS, &end, &ignored) < 0)
		return NULL;
	state = arena_strndup(memory, end.output, strcspn(end.output, "\n"));
	return strchr(state, ' ') || !*state || text_equals(state, "not-found") ? NULL : state;
}

/* The installation enables nothing by itself. Does nothing where systemd does not run. */
static void report_renewal_timer(struct admin *admin)
{
	const char *state;

	if (!is_systemd_running())
		return;
	state = find_timer_state(admin->memory);
	if (!state)
		warning_print("systemd has no " TIMER,
			      "run 'mailconfctl certificate renew --scheduled' from cron");
	else if (text_starts_with_ignoring_case(state, "enabled"))
		puts(TIMER " is enabled and renews certificates");
	else
		warning_print(arena_printf(admin->memory,
					   TIMER " is %s, so systemd does not renew certificates",
					   state),
			      "run 'systemctl enable --now " TIMER "'");
}

static int run_request(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *server = option_value(arguments, "server");
	struct request_command request = { .admin = admin,
					   .server = server ? server
							    : admin->settings->acme.server };
	int r;

	if (!arguments->count == !option_is_given(arguments, "missing"))
		return usage_error(arguments, err, "name domains, or use --missing");
	if (strncmp(request.server, "https://", strlen("https://")) != 0)
		return usage_error(arguments, err,
				   "--server '%s' is not the https URL of a CA's directory",
				   request.server);
	r = certificate_run_open(&request.run, admin, arguments, err);
	request.run.acme.email = option_value(arguments, "email");
	request.run.acme.accepts_terms = option_is_given(arguments, "accept-terms");
	if (r == 0)
		r = request_all(&request, arguments, err);
	if (request.run.acme.n_requested && !arguments->is_json)
		report_renewal_timer(admin);
	certificate_run_close(&request.run);
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
	.summary = "Request certificates by ACME for names that resolve here",
	.details =
		"One certificate for each domain, with those of these names that resolve to this "
		"server:\nautoconfig, autodiscover, with PACC ua-auto-config, the public name and "
		"the domain\nitself. mailconfd must run, because the CA validates the names on "
		"port 80.",
	.example = "mailconfctl certificate request example.org --accept-terms\n"
		   "mailconfctl certificate request --missing",
	.options = { options, certificate_run_options },
	.database = DATABASE_EXCERPT,
	.run = run_request,
};
