#include "cli/commands/certificate-run.h"

#include <jansson.h>

#include "acme/order.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/print.h"
#include "util/base.h"

const struct option certificate_run_options[] = {
	{ "address", "ADDRESSES",
	  "addresses of this server (default: its own and those of public-name)" },
	{ "resolver", "ADDRESS", "DNS resolver, IP or IP:PORT (default: that of the system)" },
	{ "dry-run", NULL, "print what would be requested, and request nothing" },
	{ "verbose", NULL, "list domains for which nothing is requested" },
	{ 0 },
};

/* Whether the requested certificate lacks the name, and the user is warned. */
static bool is_name_left_out(const struct outcome *outcome, size_t index)
{
	const struct name_place *place = &outcome->order->places[index];

	if (!order_must_report(outcome->order, place))
		return false;
	for (size_t i = 0; i < outcome->n_names; i++)
		if (text_equals(outcome->names[i], place->name))
			return false;
	return true;
}

static json_t *outcome_entry(const struct outcome *outcome)
{
	json_t *entry = entry_of_texts("domain", outcome->domain, "outcome", outcome->word);
	const struct order *order = outcome->order;
	json_t *left_out = json_array();

	for (size_t i = 0; order && i < order->count; i++)
		if (is_name_left_out(outcome, i))
			array_add(left_out, entry_of_texts("name", order->places[i].name, "reason",
							   order->places[i].reason));
	entry_put(entry, "names", array_of_texts(outcome->names, outcome->n_names));
	entry_put(entry, "left_out", left_out);
	entry_put_text(entry, "file", outcome->file);
	entry_put_text(entry, "expires", outcome->expires);
	entry_put_text(entry, "unserved", outcome->unserved);
	entry_put_text(entry, "problem", outcome->problem);
	entry_put_text(entry, "hint", outcome->hint);
	return entry;
}

static void print_outcome(struct arena *memory, const struct outcome *outcome)
{
	const char *fate = "it is left out", *hint = NULL;
	const struct order *order = outcome->order;
	size_t n_places = order ? order->count : 0;

	if (outcome->kept_until) {
		fate = arena_printf(memory, "the certificate keeps the name until %s",
				    outcome->kept_until);
		hint = arena_printf(memory, "'mailconfctl certificate request %s' removes it now",
				    outcome->domain);
	}
	for (size_t i = 0; i < n_places && !outcome->is_unanswered; i++)
		if (is_name_left_out(outcome, i))
			warning_print(arena_printf(memory, "%s: %s %s; %s", outcome->domain,
						   order->places[i].name, order->places[i].reason,
						   fate),
				      hint);
	for (size_t i = 0; i < n_places; i++)
		if (order->places[i].unreachable)
			warning_print(arena_printf(memory,
						   "%s: %s cannot be reached on port 80 from this "
						   "server (%s); the CA "
						   "may be able to",
						   outcome->domain, order->places[i].name,
						   order->places[i].unreachable),
				      NULL);
	if (outcome->problem) {
		error_print(arena_printf(memory, "%s: %s", outcome->domain, outcome->problem),
			    outcome->hint);
		return;
	}
	if (outcome->kept_until)
		return;
	printf("%s: %s", outcome->domain, outcome->remark);
	for (size_t i = 0; i < outcome->n_names; i++)
		printf("%s%s", i ? ", " : " ", outcome->names[i]);
	if (outcome->expires)
		printf("; valid until %s", outcome->expires);
	putchar('\n');
	fflush(stdout);
	if (outcome->unserved)
		warning_print(arena_printf(memory, "%s: %s", outcome->domain, outcome->unserved),
			      NULL);
}

static void report_outcome(const struct outcome *outcome, void *context)
{
	struct certificate_run *run = context;

	if (run->list)
		list_add(run->list, outcome_entry(outcome));
	else if (!outcome->is_repeated)
		print_outcome(run->acme.memory, outcome);
}

void certificate_run_init(struct certificate_run *run, struct admin *admin,
			  const struct arguments *arguments)
{
	*run = (struct certificate_run){
		.acme = {
			.memory = admin->memory,
			.settings = admin->settings,
			.database = admin->database,
			.store = admin->store,
			.lacks_rows = admin->lacks_rows,
			.is_dry = option_is_given(arguments, "dry-run"),
			.report = report_outcome,
			.context = run,
		},
		.list = arguments->is_json ? list_new("domain", true) : NULL,
	};
}

int certificate_run_open(struct certificate_run *run, struct admin *admin,
			 const struct arguments *arguments, struct error *err)
{
	certificate_run_init(run, admin, arguments);
	run->acme.wants_all = run->list || option_is_given(arguments, "verbose");
	return acme_run_open(&run->acme, option_value(arguments, "resolver"),
			     option_value(arguments, "address"), err);
}

void certificate_run_close(struct certificate_run *run)
{
	if (run->list && run->acme.certificates.globs)
		list_end(run->list, "");
	acme_run_close(&run->acme);
	list_free(run->list);
}

void certificate_run_print_skipped(const struct certificate_run *run,
				   const struct missing_counts *counts)
{
	const char *hint = run->acme.wants_all ? "" : "; --verbose lists them";
	struct arena *memory = run->acme.memory;

	if (run->list)
		return;
	if (counts->skipped[SKIP_ELSEWHERE].count)
		printf("%zu of %zu domains have no name that resolves to this server%s\n",
		       counts->skipped[SKIP_ELSEWHERE].count, counts->n_domains, hint);
	if (counts->skipped[SKIP_BACKOFF].count)
		printf("%zu of %zu domains failed recently and are retried later%s\n",
		       counts->skipped[SKIP_BACKOFF].count, counts->n_domains, hint);
	if (counts->skipped[SKIP_REFUSED].count)
		warning_print(
			arena_printf(memory,
				     "the CA would refuse %zu of %zu domains%s; the first: %s: %s",
				     counts->skipped[SKIP_REFUSED].count, counts->n_domains, hint,
				     counts->skipped[SKIP_REFUSED].domain,
				     counts->skipped[SKIP_REFUSED].why),
			NULL);
	if (counts->skipped[SKIP_UNANSWERED].count)
		warning_print(
			arena_printf(
				memory,
				"%zu of %zu domains cannot be looked up now; the first: %s: %s",
				counts->skipped[SKIP_UNANSWERED].count, counts->n_domains,
				counts->skipped[SKIP_UNANSWERED].domain,
				counts->skipped[SKIP_UNANSWERED].why),
			NULL);
}
