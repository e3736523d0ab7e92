/*
 * mailconfctl domain import and export: all domains as a CSV. The file is merged with the rows of
 * the database in memory, because domains are few; the result is checked as a whole and written.
 */

#include "admin/admin.h"
#include "admin/change.h"
#include "admin/domain-rules.h"
#include "admin/provider-rules.h"
#include "admin/reconcile.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/import-report.h"
#include "cli/options.h"
#include "cli/removal-limit.h"
#include "import/csv.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/base.h"
#include "util/file.h"
#include "util/string-list.h"

enum { DOMAIN, PROVIDER, ALIAS_OF, ENABLED, MOVED_TO, COLUMNS };

static const struct csv_column columns[COLUMNS] = {
	[DOMAIN] = { "domain", true },	    [PROVIDER] = { "provider", false },
	[ALIAS_OF] = { "alias_of", false }, [ENABLED] = { "enabled", false },
	[MOVED_TO] = { "moved_to", false },
};

/* A line of the file: NULL for a column that it does not have, "" for an empty field. */
struct domain_line {
	unsigned long number;
	const char *values[COLUMNS];
};

/* A domain of the database, of the file, or of both. */
struct plan {
	const struct domain *before;	/* NULL: it is added */
	struct domain after;		/* if it stays */
	const struct domain_line *line; /* NULL: the file does not have it */
	bool stays;
};

struct domain_import {
	struct admin *admin;
	struct report bad;
	struct domain_line *lines; /* by name, each name once */
	size_t n_lines;
	struct plan *plans; /* by name */
	size_t n_plans;
	const char **providers; /* of the database, by name */
	size_t n_providers;
	struct row_counts counts;
	bool replaces, takes_any, removes_users;
};

/* Reading */

static int parse_line(struct arena *memory, const char *const *fields, struct domain_line *line,
		      struct error *err)
{
	const char **values = line->values;

	for (size_t i = 0; i < COLUMNS; i++)
		values[i] = fields[i] ? arena_strdup(memory, fields[i]) : NULL;
	values[DOMAIN] = domain_parse(memory, fields[DOMAIN], true, err);
	if (!values[DOMAIN])
		return -1;
	if (values[PROVIDER] && *values[PROVIDER] && values[ALIAS_OF] && *values[ALIAS_OF])
		return error_set(err, ERROR_INPUT,
				 "domain '%s' can have a provider or be an alias, not both",
				 values[DOMAIN]);
	if (values[ENABLED] && choice_index("no|yes", values[ENABLED]) < 0)
		return error_set(err, ERROR_INPUT, "enabled must be yes or no, not '%s'",
				 values[ENABLED]);
	if (values[ALIAS_OF] && *values[ALIAS_OF]) {
		values[ALIAS_OF] = domain_parse(memory, values[ALIAS_OF], true, err);
		if (!values[ALIAS_OF])
			return -1;
	}
	if (values[MOVED_TO] && *values[MOVED_TO]) {
		if (moves_parse_domain(memory, fields[MOVED_TO], &values[MOVED_TO], err) < 0)
			return -1;
		if (text_equals(values[MOVED_TO], values[DOMAIN]))
			return error_set(err, ERROR_INPUT, "domain '%s' cannot move to itself",
					 values[DOMAIN]);
	}
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct domain_line *left = a, *right = b;
	int order = strcmp(left->values[DOMAIN], right->values[DOMAIN]);

	return order ? order : (left->number > right->number) - (left->number < right->number);
}

/* Sorts the lines by name; repeated lines of a name must agree. */
static void sort_lines(struct domain_import *import)
{
	struct domain_line *lines = import->lines;
	size_t kept = 0;

	if (import->n_lines > 0)
		qsort(lines, import->n_lines, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < import->n_lines; i++) {
		const struct domain_line *last = kept ? &lines[kept - 1] : NULL;
		bool agrees = true;

		if (!last || !text_equals(lines[i].values[DOMAIN], last->values[DOMAIN])) {
			lines[kept++] = lines[i];
			continue;
		}
		for (size_t k = 0; k < COLUMNS; k++)
			agrees &= text_same(lines[i].values[k], last->values[k]);
		if (!agrees)
			report_add(&import->bad, lines[i].number,
				   "domain '%s' differs from line %lu", lines[i].values[DOMAIN],
				   last->number);
	}
	import->n_lines = kept;
}

static int read_lines(struct domain_import *import, struct input *input, struct error *err)
{
	struct bytes lines = BYTES_IN(import->admin->memory);
	_cleanup_(source_clear) struct source source;
	_cleanup_(csv_clear) struct csv csv;
	const char *fields[COLUMNS];
	int r;

	import->bad.name = input->name;
	source_init(&source, input, report_note, &import->bad);
	r = csv_begin(&csv, &source, columns, COLUMNS, err);
	while (r == 0 && (r = csv_next(&csv, fields, err)) == 0) {
		struct domain_line line = { .number = csv.line };

		if (parse_line(lines.memory, fields, &line, err) < 0)
			report_add_error(&import->bad, csv.line, err);
		else
			bytes_add(&lines, (const char *)&line, sizeof(line));
	}
	if (r < 0)
		return -1;
	import->lines = (void *)lines.data;
	import->n_lines = lines.size / sizeof(*import->lines);
	sort_lines(import);
	return 0;
}

/* Planning */

static void merge_lines(struct domain_import *import, const struct domain *domains, size_t count)
{
	size_t n_lines = import->n_lines;

	import->plans = arena_array(import->admin->memory, struct plan, count + n_lines);
	for (size_t i = 0, k = 0; i < count || k < n_lines;) {
		struct plan *plan = &import->plans[import->n_plans++];
		const char *const *values = k < n_lines ? import->lines[k].values : NULL;
		int order = i == count ? 1 : !values ? -1 : strcmp(domains[i].name, values[DOMAIN]);
		struct domain *after = &plan->after;

		if (order <= 0)
			plan->before = &domains[i++];
		*after = plan->before
				 ? *plan->before
				 : (struct domain){ .name = values[DOMAIN], .is_enabled = true };
		plan->stays = order >= 0 || !import->replaces;
		if (order < 0)
			continue;
		plan->line = &import->lines[k++];
		if (values[PROVIDER] && *values[PROVIDER]) {
			after->provider = values[PROVIDER];
			after->alias_of = NULL;
		} else if (values[ALIAS_OF] && *values[ALIAS_OF]) {
			after->alias_of = values[ALIAS_OF];
			after->provider = NULL;
		}
		if (values[ENABLED])
			after->is_enabled = text_equals(values[ENABLED], "yes");
		if (values[MOVED_TO])
			after->moved_to = *values[MOVED_TO] ? values[MOVED_TO] : NULL;
	}
}

static int compare_plan(const void *name, const void *plan)
{
	return strcmp(name, ((const struct plan *)plan)->after.name);
}

static const struct plan *find_plan(const struct domain_import *import, const char *name)
{
	return bsearch(name, import->plans, import->n_plans, sizeof(*import->plans), compare_plan);
}

/* If the file does not have the alias, the line of its target is to blame. */
static void check_alias(struct domain_import *import, const struct plan *plan)
{
	const char *name = plan->after.name, *alias_of = plan->after.alias_of;
	const struct plan *target = find_plan(import, alias_of);
	unsigned long line = plan->line ? plan->line->number : 0;

	if (text_equals(name, alias_of))
		report_add(&import->bad, line, "domain '%s' cannot be an alias of itself", name);
	else if (domain_is_pattern(alias_of))
		report_add(&import->bad, line,
			   "'%s' is a wildcard domain, which cannot have aliases", alias_of);
	else if (!target || !target->stays)
		report_add(&import->bad, line,
			   "there is no domain '%s' that '%s' could be an alias of", alias_of,
			   name);
	else if (target->after.alias_of)
		report_add(&import->bad, line ? line : target->line->number,
			   "domain '%s' is an alias of '%s', which is an alias itself", name,
			   alias_of);
}

static int check_line(struct domain_import *import, const struct plan *plan, struct error *err)
{
	const struct domain *after = &plan->after;

	if (!after->provider && !after->alias_of)
		return error_set(err, ERROR_INPUT, "domain '%s' needs a provider or alias_of",
				 after->name);
	if (!plan->before && text_equals(after->name, "*") && !import->takes_any) {
		error_set(err, ERROR_INPUT,
			  "'*' serves every domain that points here, including those of others");
		return error_hint(err, "if this is intended, add --any-domain");
	}
	if (after->provider &&
	    !texts_find(import->providers, import->n_providers, after->provider)) {
		error_set(err, ERROR_INPUT, "there is no provider '%s'", after->provider);
		return error_hint(err, "'provider add' adds one, 'provider list' shows all");
	}
	return 0;
}

static int plan_domains(struct domain_import *import, struct error *err)
{
	static const struct domain_filter all = { 0 };
	struct arena *memory = import->admin->memory;
	struct store *store = import->admin->store;
	struct domain *domains;
	size_t count;

	if (store_list_names(store, memory, PROVIDER_NAMES, "", SIZE_MAX, &import->providers,
			     &import->n_providers, err) != 0 ||
	    store_list_domains(store, memory, &all, &domains, &count, err) != 0)
		return -1;
	merge_lines(import, domains, count);
	for (size_t i = 0; i < import->n_plans; i++) {
		const struct plan *plan = &import->plans[i];

		if (plan->line && check_line(import, plan, err) < 0) {
			if (err->kind != ERROR_INPUT)
				return -1;
			report_add_error(&import->bad, plan->line->number, err);
		}
		if (plan->stays && plan->after.alias_of)
			check_alias(import, plan);
	}
	return 0;
}

/* Writing */

/* A single domain that the file lacks may have most of the users. Those of a domain go if it has
 * lost its row, or the pattern that served it. */
static int check_removed_users(struct domain_import *import, const struct removals *removals,
			       struct error *err)
{
	struct admin *admin = import->admin;
	int64_t all = 0, removed = 0;
	const char **domains;
	size_t count;

	if (store_list_user_domains(admin->store, admin->memory, &domains, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct user_filter filter = { .domain = domains[i] };
		const struct plan *plan = find_plan(import, domains[i]);
		struct domain serving;
		int64_t here;
		int r;

		r = store_serving_domain(admin->store, admin->memory, domains[i], &serving, err);
		if ((r != 0 && r != STORE_NOT_FOUND) ||
		    store_count_users(admin->store, &filter, &here, err) != 0)
			return -1;
		all += here;
		removed += r == STORE_NOT_FOUND || (plan && !plan->stays) ? here : 0;
	}
	return removals_check(removals, "user", removed, all, err);
}

static int write_plans(struct domain_import *import, const struct removals *removals,
		       struct error *err)
{
	const struct row_counts *counts = &import->counts;
	struct admin *admin = import->admin;

	if (store_defer_references(admin->store, err) < 0)
		return -1;
	for (size_t i = 0; i < import->n_plans; i++) {
		const struct plan *plan = &import->plans[i];

		if ((plan->line || !plan->stays) &&
		    reconcile_domain(admin->store, plan->before, plan->stays ? &plan->after : NULL,
				     &import->counts, err) < 0)
			return -1;
	}
	if (removals_check(removals, "domain", counts->removed, row_counts_before(counts), err) <
		    0 ||
	    (import->removes_users && check_removed_users(import, removals, err) < 0))
		return error_prefix(err, "%s", import->bad.name);
	/* Users and implicit providers that no remaining domain uses. */
	for (size_t i = 0; i < import->n_plans; i++) {
		const struct plan *plan = &import->plans[i];

		if (!plan->before ||
		    (plan->stays && text_same(plan->before->provider, plan->after.provider)))
			continue;
		if ((!plan->stays && domain_remove_users(admin, plan->before->name,
							 import->removes_users, err) < 0) ||
		    provider_drop_if_unused(admin, plan->before->provider, err) < 0)
			return -1;
	}
	return 0;
}

static int change_domains(struct domain_import *import, const struct removals *removals,
			  bool is_dry, struct error *err)
{
	struct store *store = import->admin->store;
	int r;

	if (store_begin(store, err) < 0)
		return -1;
	r = plan_domains(import, err);
	if (r == 0)
		r = import->bad.count > 0 ? report_refuse(&import->bad, err)
					  : write_plans(import, removals, err);
	if (r == 0)
		r = admin_commit(import->admin, is_dry, err);
	store_rollback(store);
	return r;
}

static int import_domains(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	static const char *const removing[] = { "max-removals", "with-users" };
	struct domain_import import = {
		.admin = admin,
		.replaces = option_is_given(arguments, "replace-all"),
		.takes_any = option_is_given(arguments, "any-domain"),
		.removes_users = option_is_given(arguments, "with-users"),
	};
	bool is_dry = option_is_given(arguments, "dry-run");
	struct removals removals;
	int r;

	for (size_t i = 0; i < sizeof(removing) / sizeof(*removing); i++)
		if (option_is_given(arguments, removing[i]) && !import.replaces)
			return usage_error(arguments, err, "--%s requires --replace-all",
					   removing[i]);
	if (removals_parse(admin, arguments, &removals, err) < 0 ||
	    admin_open(admin, false, err) < 0)
		return -1;
	r = read_lines(&import, &arguments->files->input, err);
	if (r == 0)
		r = change_domains(&import, &removals, is_dry, err);
	report_clear(&import.bad);
	if (r == 0)
		report_counts(admin, arguments, "domain", &import.counts, 0);
	return r;
}

static const struct option import_options[] = {
	{ "replace-all", NULL, "remove domains that the file lacks" },
	{ "with-users", NULL, "remove the users of domains that are removed" },
	{ "any-domain", NULL, "accept *, which answers for all domains" },
	{ "dry-run", NULL, "print what would change, without changing it" },
	{ 0 },
};

const struct command domain_import = {
	.name = "domain import",
	.arguments = "[FILE|-]",
	.summary = "Add and change domains from a CSV file",
	.details = "The import is atomic: if lines are invalid, they are listed and nothing "
		   "changes. FILE\n"
		   "begins with the header domain,provider,alias_of,enabled,moved_to. All columns "
		   "except\n"
		   "the first are optional.",
	.example =
		"mailconfctl domain import domains.csv\n"
		"mailconfctl domain import domains.csv --replace-all --max-removals 50 --dry-run",
	.options = { import_options, removal_options },
	.database = DATABASE_OWN_CHANGE,
	.file = FILE_INPUT,
	.run = import_domains,
};

static int export_domains(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	static const struct domain_filter all = { 0 };
	struct domain *domains;
	size_t count;

	if (store_list_domains(admin->store, admin->memory, &all, &domains, &count, err) != 0)
		return -1;
	csv_write_header(stdout, columns, COLUMNS);
	for (size_t i = 0; i < count; i++) {
		const char *const values[COLUMNS] = {
			[DOMAIN] = domains[i].name,
			[PROVIDER] = domains[i].provider,
			[ALIAS_OF] = domains[i].alias_of,
			[ENABLED] = domains[i].is_enabled ? "yes" : "no",
			[MOVED_TO] = domains[i].moved_to,
		};

		csv_write_record(stdout, values, COLUMNS);
	}
	return 0;
}

const struct command domain_export = {
	.name = "domain export",
	.arguments = "",
	.summary = "Print domains as the CSV that 'domain import' reads",
	.details = "To restore the domains, import the file with --replace-all. Their providers "
		   "must\nexist.",
	.example = "mailconfctl domain export >domains.csv",
	.database = DATABASE_READ,
	.run = export_domains,
};
