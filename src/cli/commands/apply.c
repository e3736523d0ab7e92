/*
 * mailconfctl apply: makes the database match a file of commands. The commands run in a scratch
 * database, so that they are checked as always; then the rows that differ are written.
 */

#include "admin/admin.h"
#include "admin/change.h"
#include "admin/reconcile.h"
#include "cli/command.h"
#include "cli/commands/batch.h"
#include "cli/entry.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/removal-limit.h"
#include "store/store.h"
#include "util/base.h"
#include "util/file.h"
#include "util/string-list.h"

/* A transaction of so many rows leaves a log large enough to wait for readers, so as to shrink it.
 */
#define TIDY_FROM 10000

static const char *const kinds[RECONCILE_KINDS] = {
	[RECONCILE_PROVIDERS] = "provider",
	[RECONCILE_DOMAINS] = "domain",
	[RECONCILE_USERS] = "user",
};

struct application {
	struct admin *admin;
	struct row_counts counts[RECONCILE_KINDS];
	FILE *lines; /* the differences */
	bool is_dry, is_json;
};

/* Lines of differences are kept in a file until the change is committed. Returns their number. */
static size_t keep_lines(struct application *application, char sign, const struct texts *commands,
			 const struct texts *without)
{
	size_t kept = 0;

	for (size_t i = 0; i < commands->count; i++)
		if (!texts_has(without, commands->items[i])) {
			fprintf(application->lines, "%c %s\n", sign,
				text_escape(commands->memory, commands->items[i]));
			kept++;
		}
	return kept;
}

/* Where only the order differs, all commands are printed. */
static void keep_difference(const struct texts *before, const struct texts *after, void *context)
{
	static const struct texts none = { 0 };

	size_t kept = keep_lines(context, '-', before, after);

	if (kept + keep_lines(context, '+', after, before) > 0)
		return;
	keep_lines(context, '-', before, &none);
	keep_lines(context, '+', after, &none);
}

static int print_lines(struct application *application, struct text_member *member,
		       struct error *err)
{
	_cleanup_(freep) char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, application->lines)) > 0) {
		line[length - 1] = '\0';
		if (application->is_json)
			text_member_add(member, line);
		else
			puts(line);
	}
	return ferror(application->lines) ? temporary_file_fail(err) : 0;
}

static int64_t count_differences(const struct row_counts *counts)
{
	return counts->added + counts->changed + counts->removed;
}

static int print_as_json(struct application *application, struct error *err)
{
	struct text_member member;
	json_t *entry = json_object();
	int r;

	text_member_begin(&member, "differences");
	r = print_lines(application, &member, err);
	for (size_t i = 0; i < RECONCILE_KINDS; i++) {
		const struct row_counts *counts = &application->counts[i];

		entry_put(entry, kinds[i],
			  json_pack("{s:I, s:I, s:I}", "added", (json_int_t)counts->added,
				    "changed", (json_int_t)counts->changed, "removed",
				    (json_int_t)counts->removed));
	}
	entry_put(entry, "dry_run", json_boolean(application->is_dry));
	text_member_end(&member, entry);
	return r;
}

static int print_result(struct application *application, int64_t differences, struct error *err)
{
	struct admin *admin = application->admin;

	if (application->is_json)
		return print_as_json(application, err);
	for (size_t i = 0; i < RECONCILE_KINDS; i++) {
		const struct row_counts *counts = &application->counts[i];

		if (count_differences(counts) > 0)
			admin_say(admin, "%ss: %lld added, %lld changed, %lld removed", kinds[i],
				  (long long)counts->added, (long long)counts->changed,
				  (long long)counts->removed);
	}
	if (differences == 0)
		admin_say(admin, "no differences");
	else if (application->is_dry)
		admin_say(admin, "dry run: nothing was changed");
	return print_lines(application, NULL, err);
}

/* Runs the commands in a scratch database, without messages. */
static int read_wanted(struct admin *admin, const struct arguments *arguments,
		       struct store **ret_store, struct error *err)
{
	_cleanup_(store_closep) struct store *scratch = NULL;
	_cleanup_(freep) char *text = NULL;
	struct admin own = *admin;
	size_t size, n_commands;

	text = input_read_all(&arguments->files->input, &size, err);
	if (!text || store_open_scratch(&scratch, err) < 0)
		return -1;
	own.store = scratch;
	own.is_trial = true;
	if (store_begin(scratch, err) < 0 ||
	    batch_run(&own, arguments, text, size, &n_commands, err) < 0 ||
	    admin_commit(&own, false, err) < 0)
		return -1;
	*ret_store = TAKE(scratch);
	return 0;
}

static int write_rows(struct application *application, struct store *wanted,
		      const struct removals *removals, struct error *err)
{
	struct admin *admin = application->admin;

	if (store_begin(admin->store, err) < 0 ||
	    reconcile_installation(admin->memory, admin->store, wanted, keep_difference,
				   application, application->counts, err) < 0)
		return -1;
	/* A file that lacks many rows is more likely incomplete than meant. */
	for (size_t i = RECONCILE_DOMAINS; i < RECONCILE_KINDS; i++) {
		const struct row_counts *counts = &application->counts[i];

		if (removals_check(removals, kinds[i], counts->removed, row_counts_before(counts),
				   err) < 0)
			return -1;
	}
	if (fflush(application->lines) != 0 || fseeko(application->lines, 0, SEEK_SET) != 0)
		return temporary_file_fail(err);
	return application->is_dry ? 0 : store_commit(admin->store, err);
}

static int apply(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct application application = {
		.admin = admin,
		.is_dry = option_is_given(arguments, "dry-run"),
		.is_json = arguments->is_json,
	};
	_cleanup_(store_closep) struct store *wanted = NULL;
	_cleanup_(fclosep) FILE *lines = NULL;
	struct removals removals;
	int64_t differences = 0;
	int r;

	if (removals_parse(admin, arguments, &removals, err) < 0 ||
	    read_wanted(admin, arguments, &wanted, err) < 0 ||
	    admin_open(admin, !application.is_dry, err) < 0)
		return -1;
	lines = temporary_file_open(err);
	if (!lines)
		return -1;
	application.lines = lines;
	r = write_rows(&application, wanted, &removals, err);
	store_rollback(admin->store);
	if (r < 0)
		return -1;
	for (size_t i = 0; i < RECONCILE_KINDS; i++)
		differences += count_differences(&application.counts[i]);
	if (!application.is_dry && differences >= TIDY_FROM)
		store_tidy(admin->store);
	return print_result(&application, differences, err);
}

static const struct option options[] = {
	{ "dry-run", NULL, "print what would change, without changing it" },
	{ 0 },
};

const struct command command_apply = {
	.name = "apply",
	.arguments = "FILE|-",
	.summary = "Make the database match a file of commands",
	.details = "The file was written by 'export', or has commands as for 'batch' that start "
		   "with an\nempty database. Only rows that differ are changed, atomically. The "
		   "differences are\nprinted as commands: - for removed and + for added ones. Rows "
		   "that the file lacks are\nremoved, up to the limit of --max-removals.",
	.example = "mailconfctl apply mailconfd.commands --dry-run",
	.options = { options, removal_options },
	.database = DATABASE_OWN_CHANGE,
	.file = FILE_INPUT,
	.run = apply,
};
