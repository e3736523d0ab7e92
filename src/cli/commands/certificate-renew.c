/* mailconfctl certificate renew */

#include "acme/renewal.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "cli/commands/certificate-run.h"
#include "cli/options.h"
#include "config/settings.h"
#include "util/base.h"

#define DAYS_MAX 36500

static int run_renew(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	bool is_scheduled = option_is_given(arguments, "scheduled"), is_due;
	const char *text = option_value(arguments, "days");
	struct missing_counts counts = { 0 };
	struct certificate_run run;
	unsigned long days = 0;
	int r;

	if (text && !number_parse(text, 1, DAYS_MAX, &days))
		return usage_error(arguments, err,
				   "--days '%s' is not a number of days, from 1 to %d", text,
				   DAYS_MAX);
	if (text && is_scheduled)
		return usage_error(arguments, err, "--days and --scheduled exclude each other");
	is_due = !is_scheduled || renewal_is_due(admin->memory, admin->settings);
	if (!is_due && admin->settings->acme.request_missing == REQUEST_MISSING_NO)
		return 0;
	r = certificate_run_open(&run, admin, arguments, err);
	if (r == 0)
		r = is_scheduled ? renewal_run_scheduled(&run.acme, is_due, &counts, err)
				 : renewal_run(&run.acme, days, err);
	certificate_run_print_skipped(&run, &counts);
	if (r == 0)
		r = acme_run_result(&run.acme, err);
	certificate_run_close(&run);
	return r;
}

static const struct option options[] = {
	{ "days", "NUMBER",
	  "renew those that expire within this many days (default: 30, or 1/3 of life)" },
	{ "scheduled", NULL, "for a timer: renew if that is due, and request missing ones" },
	{ 0 },
};

const struct command certificate_renew = {
	.name = "certificate renew",
	.arguments = "",
	.summary = "Renew requested certificates that expire soon",
	.details = "Each certificate is requested from the CA that issued it. Names that resolve "
		   "to this\n"
		   "server by now are added. Files not created by 'certificate request' are not "
		   "touched.",
	.example = "mailconfctl certificate renew\n"
		   "mailconfctl certificate renew --days 60 --dry-run",
	.options = { options, certificate_run_options },
	.database = DATABASE_EXCERPT,
	.run = run_renew,
};
