/* mailconfctl user import: users by the million, from what other programs have. */

#include "cli/commands/user-import.h"

#include <string.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "cli/providers.h"
#include "cli/removal-limit.h"
#include "admin/suggestions.h"
#include "cli/tally.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/string-list.h"

/* What is sorted in memory: a million users and more. */
#define SORT_MEMORY ((size_t)64 * 1024 * 1024)

/* From so many users on, what SQLite's log has grown by is worth waiting for readers. */
#define TIDY_FROM ((size_t)10000)

static void import_free(struct import *import)
{
	report_clear(&import->bad);
	report_clear(&import->skipped);
	sorter_free(import->sorter);
	arena_clear(&import->row_memory);
	arena_clear(&import->asked_memory);
	free(import->providers);
	free(import);
}
DEFINE_CLEANUP(struct import *, import_free);

/* --replace example.org,example.net --replace example.com: by name, each once. */
static int parse_scope(struct admin *admin, const struct arguments *arguments,
		       struct bulk_scope *scope, struct error *err)
{
	const char **lists, **domains;
	size_t n_lists = option_values(admin->memory, arguments, "replace", &lists);
	size_t room = 0, count = 0;

	for (size_t i = 0; i < n_lists; i++)
		room += strlen(lists[i]) + 1;
	domains = arena_array(admin->memory, const char *, room);
	for (size_t i = 0; i < n_lists; i++) {
		char *rest = arena_strdup(admin->memory, lists[i]), *text;

		while ((text = strsep(&rest, ","))) {
			domains[count] = domain_parse(admin->memory, text, false, err);
			if (!domains[count++])
				return -1;
		}
	}
	scope->domains = domains;
	scope->n_domains = texts_sort(domains, count);
	return 0;
}

/* A mistyped domain has no users that could be missing. */
static int check_scope(struct admin *admin, const struct bulk_scope *scope, struct error *err)
{
	for (size_t i = 0; i < scope->n_domains; i++) {
		const char *name = scope->domains[i], *similar;
		struct domain domain;
		int r = store_serving_domain(admin->store, admin->memory, name, &domain, err);

		if (r == 0)
			continue;
		if (r != STORE_NOT_FOUND)
			return -1;
		similar = similar_domain(admin, name);
		return error_set(
			err, ERROR_INPUT, "nothing here serves the domain '%s' of --replace; %s",
			name,
			similar ? arena_printf(admin->memory, "did you mean '%s'?", similar)
				: "'domain list' shows all");
	}
	return 0;
}

static int check_usage(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *format = option_value(arguments, "format");
	bool replaces = option_is_given(arguments, "replace") ||
			option_is_given(arguments, "replace-all");

	if (option_is_given(arguments, "replace") && option_is_given(arguments, "replace-all"))
		return usage_error(admin->memory, arguments->command, err,
				   "'user import' takes only one of --replace and --replace-all");
	if (option_is_given(arguments, "max-removals") && !replaces)
		return usage_error(admin->memory, arguments->command, err,
				   "--max-removals goes with --replace or --replace-all");
	if ((!format || !text_equals(format, "ldif")) &&
	    (option_is_given(arguments, "address-attribute") ||
	     option_is_given(arguments, "login-attribute") ||
	     option_is_given(arguments, "name-attribute")))
		return usage_error(admin->memory, arguments->command, err,
				   "attributes are those of --format ldif");
	if (format && text_equals(format, "aliases") && !option_is_given(arguments, "domain"))
		return usage_error(admin->memory, arguments->command, err,
				   "--format aliases needs --domain DOMAIN, which its names do not "
				   "have");
	return 0;
}

static const char *value_or(const struct arguments *arguments, const char *option,
			    const char *otherwise)
{
	const char *value = option_value(arguments, option);

	return value ? value : otherwise;
}

static int apply_options(struct import *import, const struct arguments *arguments,
			 struct error *err)
{
	const char *domain = option_value(arguments, "domain");
	struct table *table = &import->table;

	table->address_attributes = value_or(arguments, "address-attribute", "mail");
	table->login_attribute = value_or(arguments, "login-attribute", "uid");
	table->name_attribute = option_value(arguments, "name-attribute");
	if (domain) {
		table->domain = domain_parse(import->admin->memory, domain, false, err);
		if (!table->domain)
			return -1;
	}
	import->scope.is_all = option_is_given(arguments, "replace-all");
	if (!option_is_given(arguments, "replace"))
		return 0;
	if (parse_scope(import->admin, arguments, &import->scope, err) < 0)
		return -1;
	return check_scope(import->admin, &import->scope, err);
}

static int64_t count_before(const struct row_counts *counts)
{
	return counts->removed + counts->changed + counts->unchanged;
}

/* A small domain can be emptied within the bounds of a large one beside it. */
static int check_removals(const struct import *import, const struct removals *removals,
			  struct error *err)
{
	const struct row_counts *counts = &import->counts;
	const struct bulk_scope *scope = &import->scope;

	if (removals_check(removals, "user", counts->removed, count_before(counts), err) < 0)
		return -1;
	for (size_t i = 0; scope->n_domains > 1 && i < scope->n_domains; i++) {
		const struct row_counts *here = &import->counts_of_domains[i];

		if (removals_check_part(removals, "user", scope->domains[i], here->removed,
					count_before(here), counts->removed, err) < 0)
			return -1;
	}
	return 0;
}

static int settle(struct import *import, const struct removals *removals, struct error *err)
{
	if (check_removals(import, removals, err) < 0)
		return error_prefix(err, "%s", import->input.name);
	for (size_t i = 0; i < import->n_providers_before; i++)
		if (provider_drop_if_unused(import->admin, import->providers_before[i], err) < 0)
			return -1;
	return 0;
}

static void warn(struct import *import)
{
	if (import->n_misread > 0)
		admin_warn(import->admin,
			   "Thunderbird on the desktop may log in with another text than the login "
			   "of %zu user%s, such as '%s', which it reads as a number or truth value",
			   import->n_misread, import->n_misread == 1 ? "" : "s",
			   import->misread_login);
}

static void say(struct import *import, const struct arguments *arguments)
{
	const struct row_counts *counts = &import->counts;
	const struct tally tally = {
		.added = counts->added,
		.changed = counts->changed,
		.removed = counts->removed,
		.unchanged = counts->unchanged,
		.skipped = import->skipped.count,
	};

	tally_say(import->admin, arguments, &tally, "user");
}

/* Other admins are kept waiting only from here on. */
static int change(struct import *import, const struct removals *removals, bool is_dry,
		  struct error *err)
{
	struct store *store = import->admin->store;
	int r;

	if (store_begin(store, err) < 0)
		return -1;
	r = import_write(import, err);
	if (r == 0 && import->bad.count > 0)
		r = report_refuse(&import->bad, err);
	if (r == 0)
		r = settle(import, removals, err);
	if (r == 0)
		r = admin_commit(import->admin, is_dry, err);
	store_rollback(store);
	if (sorter_count(import->sorter) >= TIDY_FROM)
		store_tidy(store);
	return r;
}

static int run(struct import *import, const struct arguments *arguments,
	       const struct table_format *format, const struct removals *removals,
	       struct error *err)
{
	bool is_dry = option_is_given(arguments, "dry-run");
	int r = import_read(import, format, err);

	if (r == 0 && import->bad.count > 0) {
		/* There may be more to say. */
		r = import_write(import, err);
		if (r == 0)
			r = report_refuse(&import->bad, err);
	} else if (r == 0) {
		r = change(import, removals, is_dry, err);
	}
	report_print(&import->skipped, "skipped: ", "lines skipped", true);
	if (r < 0)
		return -1;
	warn(import);
	say(import, arguments);
	return 0;
}

static int import_users(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(import_freep) struct import *import = xnew(struct import);
	/* The options know these names alone. */
	const struct table_format *format = table_format_find(value_or(arguments, "format", "csv"));
	struct removals removals;
	int r;

	import->admin = admin;
	if (check_usage(admin, arguments, err) < 0 ||
	    removals_parse(admin, arguments, &removals, err) < 0)
		return -1;
	import->input = arguments->files->input;
	import->bad.name = import->skipped.name = import->input.name;
	import->sorter = sorter_new(SORT_MEMORY);
	r = admin_open(admin, false, err);
	if (r == 0)
		r = apply_options(import, arguments, err);
	if (r == 0)
		r = run(import, arguments, format, &removals, err);
	return r;
}

static const struct option import_options[] = {
	{ "format", "csv|ldif|postfix-virtual-alias|postfix-sender-login|aliases|dovecot-passwd",
	  "what the file is (csv)" },
	{ "domain", "DOMAIN", "the domain of addresses that are written without one" },
	{ "replace", "DOMAIN[,DOMAIN...]", "make their users those of the file; may be repeated",
	  .repeats = true },
	{ "replace-all", NULL, "make the users of all domains those of the file" },
	{ "dry-run", NULL, "say what would be done, and do nothing" },
	{ 0 },
};

static const struct option ldif_options[] = {
	{ "address-attribute", "A[,A...]", "the attributes that hold addresses (mail)" },
	{ "login-attribute", "A", "the attribute that holds the login (uid)" },
	{ "name-attribute", "A", "the attribute that holds the person's name (none)" },
	{ 0 },
};

const struct command user_import = {
	.family = "user",
	.verb = "import",
	.arguments = "[FILE|-]",
	.max = 1,
	.summary = "Add and change users from a file",
	.details =
		"All of the file is taken, or nothing: bad lines are listed. Until then the "
		"daemon\n"
		"answers from what was there before. What the format does not say of a user stays\n"
		"as it is. With --replace users that are not in the file are removed.\n"
		"A CSV begins with a header: address,login,name,provider,moved_to.",
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
