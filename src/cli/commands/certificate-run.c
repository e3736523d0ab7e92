#include "cli/commands/certificate-run.h"

#include <jansson.h>

#include "acme/order.h"
#include "admin/admin.h"
#include "cli/command.h"
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
	json_t *entry = json_object(), *names = json_array(), *left_out = json_array();
	const struct order *order = outcome->order;

	for (size_t i = 0; i < outcome->n_names; i++)
		json_array_append_new(names, json_string(outcome->names[i]));
	for (size_t i = 0; order && i < order->count; i++) {
		json_t *place;

		if (!is_name_left_out(outcome, i))
			continue;
		place = json_object();
		entry_put_text(place, "name", order->places[i].name);
		entry_put_text(place, "reason", order->places[i].reason);
		json_array_append_new(left_out, place);
	}
	entry_put_text(entry, "domain", outcome->domain);
	entry_put_text(entry, "outcome", outcome->word);
	entry_put(entry, "names", names);
	entry_put(entry, "left_out", left_out);
	entry_put_text(entry, "file", outcome->file);
	entry_put_text(entry, "expires", outcome->expires);
	entry_put_text(entry, "unserved", outcome->unserved);
	entry_put_text(entry, "problem", outcome->problem);
	entry_put_text(entry, "hint", outcome->hint);
	return entry;
}

static const char *join_names(struct arena *memory, const char *const *names, size_t count)
{
	struct bytes joined = BYTES_IN(memory);

	for (size_t i = 0; i < count; i++)
		bytes_add_format(&joined, "%s%s", i ? ", " : "", names[i]);
	return bytes_text(&joined);
}

static void warn_of_left_out(struct arena *memory, const struct outcome *outcome)
{
	const char *fate = "it is left out", *hint = NULL;
	const struct order *order = outcome->order;

	if (outcome->kept_until) {
		fate = arena_printf(memory, "the certificate keeps the name until %s",
				    outcome->kept_until);
		hint = arena_printf(memory, "'mailconfctl certificate request %s' removes it now",
				    outcome->domain);
	}
	for (size_t i = 0; order && i < order->count; i++)
		if (is_name_left_out(outcome, i))
			warning_print(arena_printf(memory, "%s: %s %s; %s", outcome->domain,
						   order->places[i].name, order->places[i].reason,
						   fate),
				      hint);
}

static void print_outcome(struct arena *memory, const struct outcome *outcome)
{
	const struct order *order = outcome->order;

	if (!outcome->is_unanswered)
		warn_of_left_out(memory, outcome);
	for (size_t i = 0; order && i < order->count; i++)
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
	if (outcome->n_names)
		printf(" %s", join_names(memory, outcome->names, outcome->n_names));
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

static const char *first_skipped(struct arena *memory, const struct missing_counts *counts,
				 enum skip_reason reason)
{
	return arena_printf(memory, "%s: %s", counts->skipped[reason].domain,
			    counts->skipped[reason].why);
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
				     "the CA would refuse %zu of %zu domains%s; the first: %s",
				     counts->skipped[SKIP_REFUSED].count, counts->n_domains, hint,
				     first_skipped(memory, counts, SKIP_REFUSED)),
			NULL);
	if (counts->skipped[SKIP_UNANSWERED].count)
		warning_print(arena_printf(memory,
					   "%zu of %zu domains cannot be looked up now; the first: "
					   "%s",
					   counts->skipped[SKIP_UNANSWERED].count,
					   counts->n_domains,
					   first_skipped(memory, counts, SKIP_UNANSWERED)),
			      NULL);
}
