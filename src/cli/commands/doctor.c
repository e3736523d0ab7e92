/* mailconfctl doctor: checks domains from outside and compares that with the database. */

#include "doctor/doctor.h"

#include <time.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "config/settings.h"
#include "mail/address.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "tls/certificate-list.h"
#include "util/base.h"
#include "util/string-list.h"

#define LEVELS (LEVEL_PROBLEM + 1)

struct doctor_report {
	struct list *list; /* of --json, else NULL */
	bool shows_progress;
	size_t reported, total;
	size_t counts[LEVELS]; /* of findings */
	size_t n_broken;       /* domains with a problem */
};

/* What consecutive findings of a kind share is printed once, below the last of them: one wrong name
 * leaves many clients without settings. */
static void print_finding(const struct finding *finding, const struct finding *next)
{
	static const enum colour colours[] = {
		[LEVEL_OK] = COLOUR_NONE,
		[LEVEL_NOTE] = COLOUR_NOTE,
		[LEVEL_WARNING] = COLOUR_WARNING,
		[LEVEL_PROBLEM] = COLOUR_ERROR,
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	bool shares_fix = next && next->kind == finding->kind && text_same(next->fix, finding->fix);
	bool shares_all = shares_fix && text_same(next->expected, finding->expected);
	enum finding_level level = finding_level(finding->kind);

	printf("  %s%-7s%s  %s: %s\n", terminal_colour(stdout, colours[level]),
	       finding_level_name(level), terminal_colour(stdout, COLOUR_NONE),
	       finding_kind_name(finding->kind), text_escape(&memory, finding->seen));
	if (finding->expected && !shares_all)
		printf("           expected: %s\n", text_escape(&memory, finding->expected));
	if (finding->fix && !shares_fix)
		printf("           fix: %s\n", text_escape(&memory, finding->fix));
}

static void print_domain(const char *domain, const struct finding *findings, size_t count,
			 const size_t *counts)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *gap = "";

	/* "example.org: 2 problems, 1 note, 24 ok" */
	printf("%s: ", text_escape(&memory, domain));
	for (int level = LEVEL_PROBLEM; level >= LEVEL_OK; level--) {
		if (counts[level] == 0)
			continue;
		printf("%s%zu %s%s", gap, counts[level],
		       finding_level_name((enum finding_level)level),
		       level != LEVEL_OK && counts[level] > 1 ? "s" : "");
		gap = ", ";
	}
	putchar('\n');
	for (size_t i = 0; i < count; i++)
		if (finding_level(findings[i].kind) != LEVEL_OK)
			print_finding(&findings[i], i + 1 < count ? &findings[i + 1] : NULL);
}

static int report_findings(const char *domain, const struct finding *findings, size_t count,
			   void *context, struct error *err)
{
	struct doctor_report *report = context;
	size_t counts[LEVELS] = { 0 };

	for (size_t i = 0; i < count; i++)
		counts[finding_level(findings[i].kind)]++;
	if (report->shows_progress)
		fprintf(stderr, "\033[K");
	for (size_t i = 0; i < count && report->list; i++)
		list_add(report->list,
			 entry_of_texts("domain", domain, "level",
					finding_level_name(finding_level(findings[i].kind)), "kind",
					finding_kind_name(findings[i].kind), "seen",
					findings[i].seen, "expected", findings[i].expected, "fix",
					findings[i].fix));
	if (!report->list)
		print_domain(domain, findings, count, counts);
	for (size_t i = 0; i < LEVELS; i++)
		report->counts[i] += counts[i];
	report->n_broken += counts[LEVEL_PROBLEM] > 0;
	report->reported++;
	if (report->shows_progress) {
		/* On the line below, which is cleared before the next domain. */
		fflush(stdout);
		if (report->reported < report->total)
			fprintf(stderr, "%zu of %zu domains\r", report->reported, report->total);
	}
	return 0;
}

static int find_domains(struct admin *admin, const struct arguments *arguments,
			struct texts *domains, struct error *err)
{
	bool wants_all = option_is_given(arguments, "all");
	const struct domain_filter all = { 0 };
	struct domain *rows;
	size_t count = 0;

	if (wants_all == (arguments->count > 0))
		return usage_error(arguments, err, "'doctor' needs %s",
				   wants_all ? "either DOMAINs or --all" : "DOMAINs, or --all");
	if (wants_all &&
	    store_list_domains(admin->store, admin->memory, &all, &rows, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (rows[i].is_enabled)
			texts_add(domains, rows[i].name);
	for (size_t i = 0; i < arguments->count; i++) {
		const char *domain = domain_parse(admin->memory, arguments->words[i], true, err);

		if (!domain)
			return -1;
		if (!texts_has(domains, domain))
			texts_add(domains, domain);
	}
	return 0;
}

/* Checks the coverage of the certificates in the settings too, if they can be read. */
static int run_checks(struct admin *admin, const struct arguments *arguments,
		      const struct texts *domains, struct doctor_report *report, struct error *err)
{
	_cleanup_(templates_unrefp) struct templates *templates = admin_templates(admin);
	const struct texts *globs = &admin->settings->tls.certificates;
	struct doctor_options options = {
		.resolver = option_value(arguments, "resolver"),
		.connect = option_value(arguments, "connect"),
		.ca_file = option_value(arguments, "ca"),
		.plain_autoconfig = admin->settings->server.http_autoconfig == HTTP_AUTOCONFIG_YES,
	};
	const struct context context = {
		.store = admin->store,
		.site = { templates, admin_public_name(admin) },
	};
	struct certificate_list list = { 0 };
	struct coverage coverage;
	struct error ignored;
	int r = certificate_list_load(admin->memory, globs->items, globs->count, &list, &ignored);

	if (r == 0 && list.n_usable) {
		coverage = certificate_list_coverage(admin->memory, &list, time(NULL));
		options.coverage = &coverage;
	}
	r = doctor_run(&context, &options, domains->items, domains->count, report_findings, report,
		       err);
	certificate_list_clear(&list);
	return r;
}

static int run_doctor(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(list_freep) struct list *list = arguments->is_json ? list_new("domain", true)
								     : NULL;
	struct doctor_report report = { .list = list };
	struct texts domains = TEXTS_IN(admin->memory);

	if (find_domains(admin, arguments, &domains, err) < 0)
		return -1;
	report.total = domains.count;
	report.shows_progress = report.total > 1 && print_is_watched();
	if (run_checks(admin, arguments, &domains, &report, err) < 0)
		return -1;
	if (list)
		list_end(list, "");
	if (report.n_broken == 0)
		return 0;
	return error_set(err, ERROR_INPUT, "%zu problem%s in %zu of %zu domain%s",
			 report.counts[LEVEL_PROBLEM], report.counts[LEVEL_PROBLEM] > 1 ? "s" : "",
			 report.n_broken, report.total, report.total > 1 ? "s" : "");
}

static const struct option options[] = {
	{ "all", NULL, "check all domains that are not disabled" },
	{ "resolver", "IP[:PORT]", "ask this resolver (default: the system's)" },
	{ "connect", "HOST:PORT", "connect there for HTTPS, whatever DNS says" },
	{ "ca", "FILE", "trust the CAs in this PEM file (default: the system's)" },
	{ 0 },
};

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[DOMAIN ...]",
	.summary = "Check domains from outside, as mail clients see them",
	.details = "Checks DNS, certificates, the settings that each client gets, and every "
		   "announced\nservice against the database. Each finding comes with a fix. The "
		   "exit status is 1 if\nthere is a problem.",
	.example = "mailconfctl doctor example.org\n"
		   "mailconfctl doctor new.example --connect 192.0.2.10:443\n"
		   "mailconfctl doctor --all --json",
	.options = { options },
	.database = DATABASE_READ,
	.run = run_doctor,
};
