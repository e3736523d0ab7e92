/*
 * mailconfctl domain import and export: the table of domains, as CSV. There are far fewer of them
 * than users, so that all of it is laid out in memory: the domains that there are, changed as the
 * file says, are what there will be, and are looked at as a whole before the first is written.
 */

#include <string.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/domain-lines.h"
#include "cli/domains.h"
#include "cli/file-argument.h"
#include "cli/import-report.h"
#include "cli/options.h"
#include "cli/providers.h"
#include "cli/removal-limit.h"
#include "cli/tally.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/input.h"
#include "util/string-list.h"

/* A domain as it is, where it is there, and as it shall be. */
struct plan {
	struct domain before, after;
	const struct domain_line *line; /* NULL where the file does not have it */
	bool is_there, stays;
};

struct domain_import {
	struct admin *admin;
	struct domain_lines lines;
	struct plan *plans; /* by name */
	size_t n_plans;
	const char **providers; /* all there are, by name */
	size_t n_providers;
	struct tally tally;
	bool replaces, takes_any, removes_users;
};

/* What of the line holds, on top of what there is. */
static void apply_line(struct plan *plan)
{
	const struct domain_line *line = plan->line;
	struct domain *after = &plan->after;

	if (line->provider && *line->provider) {
		after->provider = line->provider;
		after->alias_of = NULL;
	}
	if (line->alias_of && *line->alias_of) {
		after->alias_of = line->alias_of;
		after->provider = NULL;
	}
	if (line->enabled)
		after->is_enabled = text_equals(line->enabled, "yes");
	if (line->moved_to)
		after->moved_to = *line->moved_to ? line->moved_to : NULL;
}

/* Lays the lines and the domains that there are beside each other. */
static void make_plans(struct domain_import *import, const struct domain *domains, size_t count)
{
	size_t at = 0, next = 0;

	import->plans = xcalloc(count + import->lines.count, sizeof(*import->plans));
	while (at < count || next < import->lines.count) {
		struct plan *plan = &import->plans[import->n_plans++];
		int order = at == count ? 1
			    : next == import->lines.count
				    ? -1
				    : strcmp(domains[at].name, import->lines.items[next].name);

		if (order <= 0) {
			plan->before = plan->after = domains[at++];
			plan->is_there = true;
			plan->stays = !import->replaces;
		} else {
			plan->after.name = import->lines.items[next].name;
			plan->after.is_enabled = true;
		}
		if (order >= 0) {
			plan->line = &import->lines.items[next++];
			plan->stays = true;
			apply_line(plan);
		}
	}
}

static int compare_plan(const void *name, const void *plan)
{
	return strcmp(name, ((const struct plan *)plan)->after.name);
}

static const struct plan *plan_of(const struct domain_import *import, const char *name)
{
	const struct plan *plan = bsearch(name, import->plans, import->n_plans,
					  sizeof(*import->plans), compare_plan);

	return plan && plan->stays ? plan : NULL;
}

/* An alias whose target is made one, or goes, is the fault of the target's line where there is one.
 */
static void check_alias(struct domain_import *import, const struct plan *plan)
{
	const char *name = plan->after.name, *alias_of = plan->after.alias_of;
	const struct plan *target = plan_of(import, alias_of);
	unsigned long line = plan->line ? plan->line->number : 0;

	if (text_equals(name, alias_of))
		domain_lines_refuse(&import->lines, line,
				    "domain '%s' cannot be an alias of itself", name);
	else if (domain_is_pattern(alias_of))
		domain_lines_refuse(&import->lines, line,
				    "'%s' stands for many domains, and an alias needs one",
				    alias_of);
	else if (!target)
		domain_lines_refuse(&import->lines, line,
				    "there is no domain '%s' that '%s' could be an alias of",
				    alias_of, name);
	else if (target->after.alias_of)
		domain_lines_refuse(&import->lines, line ? line : target->line->number,
				    "domain '%s' is an alias of '%s', which is an alias itself",
				    name, alias_of);
}

static void check_plan(struct domain_import *import, const struct plan *plan)
{
	const struct domain *after = &plan->after;

	if (!plan->stays)
		return;
	if (plan->line && !after->provider && !after->alias_of) {
		domain_lines_refuse(&import->lines, plan->line->number,
				    "domain '%s' needs a provider or alias_of", after->name);
		return;
	}
	if (plan->line && !plan->is_there && text_equals(after->name, "*") && !import->takes_any)
		domain_lines_refuse(
			&import->lines, plan->line->number,
			"'*' answers for every domain that points here, whoever owns it; say "
			"--any-domain if that is meant");
	if (after->alias_of)
		check_alias(import, plan);
	else if (plan->line && !texts_find(import->providers, import->n_providers, after->provider))
		domain_lines_refuse(&import->lines, plan->line->number,
				    "there is no provider '%s'; 'provider add' makes one",
				    after->provider);
}

static int list_providers(struct domain_import *import, struct error *err)
{
	struct arena *memory = import->admin->memory;
	struct provider *list;

	if (store_list_providers(import->admin->store, memory, &list, &import->n_providers, err) !=
	    0)
		return -1;
	import->providers = arena_array(memory, const char *, import->n_providers);
	for (size_t i = 0; i < import->n_providers; i++)
		import->providers[i] = list[i].name;
	return 0;
}

static int plan(struct domain_import *import, struct error *err)
{
	const struct domain_filter all = { 0 };
	struct domain *domains;
	size_t count;

	if (list_providers(import, err) < 0 ||
	    store_list_domains(import->admin->store, import->admin->memory, &all, &domains, &count,
			       err) != 0)
		return -1;
	make_plans(import, domains, count);
	for (size_t i = 0; i < import->n_plans; i++)
		check_plan(import, &import->plans[i]);
	return 0;
}

static bool is_changed(const struct plan *plan)
{
	const struct domain *before = &plan->before, *after = &plan->after;

	return !text_same(before->provider, after->provider) ||
	       !text_same(before->alias_of, after->alias_of) ||
	       !text_same(before->moved_to, after->moved_to) ||
	       before->is_enabled != after->is_enabled;
}

/* Writes those that are aliases, or those that are none: an alias needs its target first. */
static int write_plans(struct domain_import *import, bool aliases, struct error *err)
{
	struct store *store = import->admin->store;

	for (size_t i = 0; i < import->n_plans; i++) {
		const struct plan *plan = &import->plans[i];
		int r = 0;

		if (!plan->line || (plan->after.alias_of != NULL) != aliases)
			continue;
		if (!plan->is_there) {
			import->tally.added++;
			r = store_add_domain(store, &plan->after, err);
		} else if (is_changed(plan)) {
			import->tally.changed++;
			r = store_update_domain(store, &plan->after, err);
		} else {
			import->tally.unchanged++;
		}
		if (r != 0)
			return -1;
	}
	return 0;
}

/* And the other way round when they go. */
static int remove_plans(struct domain_import *import, bool aliases, struct error *err)
{
	for (size_t i = 0; i < import->n_plans; i++) {
		const struct plan *plan = &import->plans[i];

		if (plan->stays || (plan->before.alias_of != NULL) != aliases)
			continue;
		import->tally.removed++;
		if (store_remove_domain(import->admin->store, plan->before.name, err) != 0)
			return -1;
	}
	return 0;
}

/* Users and providers that went with the domains, when all of those are as they shall be. */
static int follow_up(struct domain_import *import, struct error *err)
{
	struct admin *admin = import->admin;

	for (size_t i = 0; i < import->n_plans; i++) {
		const struct plan *plan = &import->plans[i];

		if (!plan->is_there ||
		    (plan->stays && text_same(plan->before.provider, plan->after.provider)))
			continue;
		if (!plan->stays &&
		    domain_remove_users(admin, plan->before.name, import->removes_users, err) < 0)
			return -1;
		if (provider_drop_if_unused(admin, plan->before.provider, err) < 0)
			return -1;
	}
	return 0;
}

static int count_users(struct domain_import *import, const char *domain, int64_t *ret_count,
		       struct error *err)
{
	const struct user_filter filter = { .domain = domain };

	return store_count_users(import->admin->store, &filter, ret_count, err) == 0 ? 0 : -1;
}

/* Whether the users of a domain go with its row, or with the pattern that served it. */
static int is_abandoned(struct domain_import *import, const char *name, bool *ret_is_abandoned,
			struct error *err)
{
	const struct plan *plan = bsearch(name, import->plans, import->n_plans,
					  sizeof(*import->plans), compare_plan);
	struct domain serving;
	int r = STORE_NOT_FOUND;

	if (!plan || plan->stays)
		r = store_serving_domain(import->admin->store, import->admin->memory, name,
					 &serving, err);
	*ret_is_abandoned = r == STORE_NOT_FOUND;
	return r == 0 || r == STORE_NOT_FOUND ? 0 : -1;
}

/* One domain that the file lacks can have most of the users. */
static int check_users(struct domain_import *import, const struct removals *removals,
		       struct error *err)
{
	struct admin *admin = import->admin;
	int64_t all = 0, removed = 0;
	const char **domains;
	size_t count;

	if (store_list_user_domains(admin->store, admin->memory, &domains, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		bool is_gone;
		int64_t here;

		if (count_users(import, domains[i], &here, err) < 0 ||
		    is_abandoned(import, domains[i], &is_gone, err) < 0)
			return -1;
		all += here;
		removed += is_gone ? here : 0;
	}
	if (removals_check(removals, "user", removed, all, err) < 0)
		return error_prefix(err, "%s", import->lines.bad.name);
	return 0;
}

static int write_all(struct domain_import *import, const struct removals *removals,
		     struct error *err)
{
	int64_t there = 0;

	if (write_plans(import, false, err) < 0 || write_plans(import, true, err) < 0 ||
	    remove_plans(import, true, err) < 0 || remove_plans(import, false, err) < 0)
		return -1;
	for (size_t i = 0; i < import->n_plans; i++)
		there += import->plans[i].is_there;
	if (removals_check(removals, "domain", import->tally.removed, there, err) < 0)
		return error_prefix(err, "%s", import->lines.bad.name);
	if (import->removes_users && check_users(import, removals, err) < 0)
		return -1;
	return follow_up(import, err);
}

static int change(struct domain_import *import, const struct removals *removals, bool is_dry,
		  struct error *err)
{
	struct store *store = import->admin->store;
	int r;

	if (store_begin(store, err) < 0)
		return -1;
	r = plan(import, err);
	if (r == 0)
		r = import->lines.bad.count > 0 ? report_refuse(&import->lines.bad, err)
						: write_all(import, removals, err);
	if (r == 0)
		r = admin_commit(import->admin, is_dry, err);
	store_rollback(store);
	return r;
}

static void import_clear(struct domain_import *import)
{
	domain_lines_clear(&import->lines);
	free(import->plans);
}

static int check_usage(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	static const char *const removing[] = { "max-removals", "with-users" };

	for (size_t i = 0; i < sizeof(removing) / sizeof(*removing); i++)
		if (option_is_given(arguments, removing[i]) &&
		    !option_is_given(arguments, "replace-all"))
			return usage_error(admin->memory, arguments->command, err,
					   "--%s goes with --replace-all", removing[i]);
	return 0;
}

static int import_domains(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(import_clear) struct domain_import import = {
		.admin = admin,
		.lines = { .memory = admin->memory },
		.replaces = option_is_given(arguments, "replace-all"),
		.takes_any = option_is_given(arguments, "any-domain"),
		.removes_users = option_is_given(arguments, "with-users"),
	};
	bool is_dry = option_is_given(arguments, "dry-run");
	struct removals removals;

	if (check_usage(admin, arguments, err) < 0 ||
	    removals_parse(admin, arguments, &removals, err) < 0 ||
	    admin_open(admin, false, err) < 0)
		return -1;
	if (domain_lines_read(&import.lines, &arguments->files->input, err) < 0 ||
	    change(&import, &removals, is_dry, err) < 0)
		return -1;
	tally_say(admin, arguments, &import.tally, "domain");
	return 0;
}

static const struct option import_options[] = {
	{ "replace-all", NULL, "make the domains those of the file" },
	{ "with-users", NULL, "remove the users of domains that are removed" },
	{ "any-domain", NULL, "accept *, which answers for all domains" },
	{ "dry-run", NULL, "say what would be done, and do nothing" },
	{ 0 },
};

const struct command domain_import = {
	.family = "domain",
	.verb = "import",
	.arguments = "[FILE|-]",
	.max = 1,
	.summary = "Add and change domains from a CSV",
	.details =
		"It begins with a header: domain,provider,alias_of,enabled,moved_to, of which all "
		"but the\nfirst may be missing. All of the file is taken, or nothing: bad lines "
		"are listed.",
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
	const struct domain_filter all = { 0 };
	struct domain *domains;
	size_t count;

	(void)arguments;
	if (store_list_domains(admin->store, admin->memory, &all, &domains, &count, err) != 0)
		return -1;
	domain_lines_write(stdout, domains, count);
	return 0;
}

const struct command domain_export = {
	.family = "domain",
	.verb = "export",
	.arguments = "",
	.summary = "Print domains as the CSV that 'domain import' reads",
	.details = "Imported with --replace-all it makes the domains what they were, where the "
		   "providers\nare there.",
	.example = "mailconfctl domain export >domains.csv",
	.database = DATABASE_READ,
	.run = export_domains,
};
