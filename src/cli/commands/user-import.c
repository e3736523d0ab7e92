/* mailconfctl user import: users from a table of another program, by the million. */

#include "cli/commands/user-import.h"

#include "admin/admin.h"
#include "admin/change.h"
#include "admin/domain-rules.h"
#include "admin/provider-rules.h"
#include "admin/suggestions.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "cli/removal-limit.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/string-list.h"

/* Enough to sort a million users in memory. */
#define SORT_MEMORY ((size_t)64 * 1024 * 1024)

/* A transaction of so many rows leaves a log large enough to wait for readers, so as to shrink it.
 */
#define TIDY_FROM ((size_t)10000)

static void import_clear(struct user_import *import)
{
	report_clear(&import->bad);
	report_clear(&import->skipped);
	sorter_free(import->sorter);
}

/* --replace example.org,example.net --replace example.com: sorted, without duplicates. A mistyped
 * domain has no users to remove, so nothing else would notice it. */
static int parse_scope(struct admin *admin, const struct arguments *arguments,
		       struct bulk_scope *scope, struct error *err)
{
	struct texts domains = TEXTS_IN(admin->memory);
	const char **lists;
	size_t n_lists = option_values(admin->memory, arguments, "replace", &lists);

	for (size_t i = 0; i < n_lists; i++) {
		char *rest = arena_strdup(admin->memory, lists[i]), *text;

		while ((text = strsep(&rest, ","))) {
			const char *name = domain_parse(admin->memory, text, false, err);

			if (!name)
				return -1;
			texts_add(&domains, name);
		}
	}
	scope->domains = domains.items;
	scope->n_domains = texts_sort(domains.items, domains.count);
	for (size_t i = 0; i < scope->n_domains; i++) {
		const char *name = scope->domains[i];
		struct domain domain;
		int r = store_serving_domain(admin->store, admin->memory, name, &domain, err);

		if (r == STORE_NOT_FOUND) {
			error_set(err, ERROR_INPUT,
				  "nothing here serves the domain '%s' of --replace", name);
			return hint_similar(err, similar_name(admin, DOMAIN_NAMES, name),
					    "'domain list' shows all");
		}
		if (r != 0)
			return -1;
	}
	return 0;
}

static int check_usage(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *format = option_value(arguments, "format");
	bool replaces = option_is_given(arguments, "replace") ||
			option_is_given(arguments, "replace-all");

	if (option_is_given(arguments, "replace") && option_is_given(arguments, "replace-all"))
		return usage_error(arguments, err,
				   "'user import' takes only one of --replace and --replace-all");
	if (option_is_given(arguments, "max-removals") && !replaces)
		return usage_error(arguments, err,
				   "--max-removals requires --replace or --replace-all");
	if ((!format || !text_equals(format, "ldif")) &&
	    (option_is_given(arguments, "address-attribute") ||
	     option_is_given(arguments, "login-attribute") ||
	     option_is_given(arguments, "name-attribute")))
		return usage_error(arguments, err,
				   "--address-attribute, --login-attribute and --name-attribute "
				   "require --format ldif");
	if (format && text_equals(format, "aliases") && !option_is_given(arguments, "domain"))
		return usage_error(arguments, err, "--format aliases requires --domain DOMAIN");
	return 0;
}

bool user_import_names_domain(const struct user_import *import, const char *domain)
{
	return texts_find(import->scope.domains, import->scope.n_domains, domain);
}

/* The users of one domain in the file. */
struct group {
	char *domain;	    /* NULL before the first */
	unsigned long line; /* the first of them */
	size_t count;
	bool is_in_scope;
};

struct merge {
	struct user_import *import;
	struct bulk *bulk; /* NULL where nothing is written */
	struct group group;
	char last[SORTER_RECORD_MAX]; /* the previous record that has a login */
	bool has_last;
};

/* Each problem of a domain is reported once, with the number of its users. */
static int end_group(struct merge *merge, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct group *group = &merge->group;
	struct report *bad = &merge->import->bad;
	const char *plural = group->count == 1 ? "" : "s";

	if (!group->domain)
		return 0;
	if (!group->is_in_scope) {
		report_add(bad, group->line,
			   "the file has %zu user%s of the domain '%s', which is not one of "
			   "--replace",
			   group->count, plural, group->domain);
		return 0;
	}
	if (domain_check_served(merge->import->admin, group->domain,
				arena_printf(&memory, "the %zu user%s of '%s'", group->count,
					     plural, group->domain),
				err) == 0)
		return 0;
	if (err->kind != ERROR_INPUT && err->kind != ERROR_MISSING)
		return -1;
	error_append(err, " (the file has %zu user%s of it)", group->count, plural);
	report_add_error(bad, group->line, err);
	return 0;
}

/* Whether the address is another than that of the previous record. Repeated lines of an address
 * must agree. */
static bool is_new_address(struct merge *merge, const struct user_record *record)
{
	const struct user_record last = user_record_read(merge->last);
	const struct bulk_user *a = &last.user, *b = &record->user;

	if (!merge->has_last || !text_equals(a->local, b->local) ||
	    !text_equals(a->domain, b->domain))
		return true;
	if (!text_equals(a->login, b->login))
		report_add(&merge->import->bad, record->line,
			   "'%s@%s' has the login '%s' here, but '%s' in line %lu", b->local,
			   b->domain, b->login, a->login, last.line);
	else if (!text_same(a->name, b->name) || a->provider != b->provider ||
		 !text_same(a->moved_to, b->moved_to) || a->keeps_name != b->keeps_name ||
		 a->keeps_provider != b->keeps_provider || a->keeps_moved_to != b->keeps_moved_to)
		report_add(&merge->import->bad, record->line,
			   "'%s@%s' has other values here than in line %lu", b->local, b->domain,
			   last.line);
	return false;
}

static int merge_record(struct merge *merge, const char *bytes, size_t size, struct error *err)
{
	const struct user_record record = user_record_read(bytes);
	const char *domain = record.user.domain;
	struct user_import *import = merge->import;
	struct group *group = &merge->group;

	if (record.user.login) {
		if (!is_new_address(merge, &record))
			return 0;
		if (!group->domain || !text_equals(group->domain, domain)) {
			if (end_group(merge, err) < 0)
				return -1;
			free(group->domain);
			*group = (struct group){
				.domain = xstrdup(domain),
				.line = record.line,
				.is_in_scope = import->scope.n_domains == 0 ||
					       user_import_names_domain(import, domain),
			};
		}
		if (record.line < group->line)
			group->line = record.line;
		group->count++;
		memcpy(merge->last, bytes, size);
		merge->has_last = true;
		if (!group->is_in_scope)
			return 0;
	}
	if (!merge->bulk || import->bad.count > 0)
		return 0;
	return bulk_put(merge->bulk, &record.user, err);
}

/* Writes the records, or only looks for invalid ones where bulk is NULL. */
static int merge_records(struct user_import *import, struct bulk *bulk, struct error *err)
{
	struct merge merge = { .import = import, .bulk = bulk };
	size_t done = 0, size;
	const char *bytes;
	int r;

	progress_begin(&import->progress, "writing", (long long)sorter_count(import->sorter));
	while ((r = sorter_next(import->sorter, &bytes, &size, err)) == 0) {
		if (done++ % 1024 == 0)
			progress_at(&import->progress, (long long)done);
		if ((r = merge_record(&merge, bytes, size, err)) < 0)
			break;
	}
	if (r == SORTER_END)
		r = end_group(&merge, err);
	progress_end(&import->progress);
	free(merge.group.domain);
	if (r == 0 && import->bad.count > 0)
		r = report_refuse(&import->bad, err);
	return r;
}

/* The limit holds for each domain, because a small one could be emptied within the limit of all. */
static int check_removals(const struct user_import *import, const struct bulk *bulk,
			  const struct removals *removals, struct error *err)
{
	const struct row_counts *counts = &import->counts;
	const struct bulk_scope *scope = &import->scope;
	int r = removals_check(removals, "user", counts->removed, row_counts_before(counts), err);

	for (size_t i = 0; r == 0 && scope->n_domains > 1 && i < scope->n_domains; i++) {
		const struct row_counts here = bulk_counts_of(bulk, i);

		r = removals_check_part(removals, "user", scope->domains[i], here.removed,
					row_counts_before(&here), counts->removed, err);
	}
	return r == 0 ? 0 : error_prefix(err, "%s", import->input.name);
}

static int write_users(struct user_import *import, const struct removals *removals,
		       struct error *err)
{
	_cleanup_(bulk_freep) struct bulk *bulk = NULL;
	struct admin *admin = import->admin;
	const char **providers;
	size_t n_providers;

	if (store_list_implicit_providers(admin->store, admin->memory, NULL, &providers,
					  &n_providers, err) != 0 ||
	    bulk_begin(admin->store, &import->scope, &bulk, err) < 0 ||
	    merge_records(import, bulk, err) < 0 || bulk_end(bulk, &import->counts, err) < 0 ||
	    check_removals(import, bulk, removals, err) < 0)
		return -1;
	for (size_t i = 0; i < n_providers; i++)
		if (provider_drop_if_unused(admin, providers[i], err) < 0)
			return -1;
	return 0;
}

/* Other writers wait only from here on. */
static int change_users(struct user_import *import, const struct removals *removals, bool is_dry,
			struct error *err)
{
	struct store *store = import->admin->store;
	int r;

	if (store_begin(store, err) < 0)
		return -1;
	r = write_users(import, removals, err);
	if (r == 0)
		r = admin_commit(import->admin, is_dry, err);
	store_rollback(store);
	if (sorter_count(import->sorter) >= TIDY_FROM)
		store_tidy(store);
	return r;
}

static int import_users(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(import_clear) struct user_import import = {
		.admin = admin,
		.table.address_attributes = option_value(arguments, "address-attribute") ?: "mail",
		.table.login_attribute = option_value(arguments, "login-attribute") ?: "uid",
		.table.name_attribute = option_value(arguments, "name-attribute"),
		.scope.is_all = option_is_given(arguments, "replace-all"),
	};
	const char *domain = option_value(arguments, "domain");
	bool is_dry = option_is_given(arguments, "dry-run");
	struct removals removals;
	int r;

	if (check_usage(admin, arguments, err) < 0 ||
	    removals_parse(admin, arguments, &removals, err) < 0)
		return -1;
	import.input = arguments->files->input;
	import.bad.name = import.skipped.name = import.input.name;
	import.sorter = sorter_new(SORT_MEMORY);
	if (admin_open(admin, false, err) < 0)
		return -1;
	if (domain && !(import.table.domain = domain_parse(admin->memory, domain, false, err)))
		return -1;
	if (parse_scope(admin, arguments, &import.scope, err) < 0)
		return -1;
	r = user_import_read(&import, table_format_find(option_value(arguments, "format") ?: "csv"),
			     err);
	/* Of an invalid file the records are checked too, to report all at once. */
	if (r == 0)
		r = import.bad.count > 0 ? merge_records(&import, NULL, err)
					 : change_users(&import, &removals, is_dry, err);
	report_warn_of_skipped(&import.skipped);
	if (r < 0)
		return -1;
	if (import.n_misread > 0)
		admin_warn(admin,
			   "Thunderbird on the desktop may change the login of %zu user%s, such as "
			   "'%s', because it reads it as a number or Boolean",
			   import.n_misread, import.n_misread == 1 ? "" : "s",
			   import.misread_login);
	report_counts(admin, arguments, "user", &import.counts, import.skipped.count);
	return 0;
}

static const struct option import_options[] = {
	{ "format", "csv|ldif|postfix-virtual-alias|postfix-sender-login|aliases|dovecot-passwd",
	  "format of the file (default: csv)" },
	{ "domain", "DOMAIN", "domain of addresses without one" },
	{ "replace", "DOMAIN[,DOMAIN...]", "remove users of these domains that the file lacks",
	  .repeats = true },
	{ "replace-all", NULL, "remove all users that the file lacks" },
	{ "dry-run", NULL, "print what would change, without changing it" },
	{ 0 },
};

static const struct option ldif_options[] = {
	{ "address-attribute", "A[,A...]", "attributes with addresses (default: mail)" },
	{ "login-attribute", "A", "attribute with the login (default: uid)" },
	{ "name-attribute", "A", "attribute with the person's name (default: none)" },
	{ 0 },
};

const struct command user_import = {
	.name = "user import",
	.arguments = "[FILE|-]",
	.summary = "Add and change users from a file",
	.details =
		"The import is atomic: if lines are invalid, they are listed and nothing changes.\n"
		"Values that the file lacks stay unchanged.\n"
		"A CSV file begins with the header address,login,name,provider,moved_to. All "
		"columns\n"
		"except the first two are optional.",
	.example = "mailconfctl user import users.csv\n"
		   "mailconfctl user import people.ldif --format ldif \\\n"
		   "        --address-attribute mail,mailAlternateAddress --login-attribute uid\n"
		   "mailconfctl user import --format aliases --domain example.org \\\n"
		   "        --replace example.org --dry-run </etc/aliases",
	.options = { import_options, removal_options, ldif_options },
	.database = DATABASE_OWN_CHANGE,
	.file = FILE_INPUT,
	.run = import_users,
};
