#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <unistd.h>

#include "acme/challenge.h"
#include "acme/excerpt.h"
#include "admin/admin.h"
#include "admin/change.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "cli/print.h"
#include "config/settings.h"
#include "store/store.h"
#include "util/account.h"
#include "util/base.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

/* As JSON: {"done": ["user a@example.org added, login a"]} */
static void print_messages(struct admin *admin, const struct command_line *line)
{
	bool changes = line->command->database == DATABASE_CHANGE ||
		       line->command->database == DATABASE_LATE_CHANGE;
	size_t count = admin->messages.count;
	json_t *entry, *done;

	for (size_t i = 0; i < count; i++)
		admin->messages.items[i] = text_escape(admin->memory, admin->messages.items[i]);
	if (!line->arguments.is_json) {
		for (size_t i = 0; i < count && !line->is_quiet; i++)
			puts(admin->messages.items[i]);
	} else if (!entry_has_printed_json() && (changes || count > 0)) {
		entry = json_object();
		done = array_of_texts(admin->messages.items, count);
		entry_put(entry, "done", done);
		entry_print(entry, true);
	}
	for (size_t i = 0; i < admin->warnings.count; i++)
		warning_print(admin->warnings.items[i], admin->hints.items[i]);
}

/* Works without the default file; one that was named must exist. The daemon reports obsolete keys.
 */
static int load_settings(struct arena *memory, const struct command_line *line,
			 struct settings *settings, struct error *err)
{
	const char *file = line->config ? line->config : SETTINGS_FILE;
	struct settings_reports reports;
	size_t last;

	if (!line->config && access(SETTINGS_FILE, F_OK) < 0 && errno == ENOENT) {
		settings_default(memory, settings);
		return 0;
	}
	if (settings_load(memory, file, settings, &reports) == 0)
		return 0;
	last = reports.errors.count - 1;
	for (size_t i = 0; i < last; i++)
		error_print(reports.errors.items[i], NULL);
	return error_set(err, ERROR_CONFIG, "%s", reports.errors.items[last]);
}

static int run_command(struct admin *admin, const struct command_line *line, struct error *err)
{
	enum database_use use = line->command->database;

	if (use == DATABASE_CHANGE && admin_begin(admin, err) < 0)
		return -1;
	if ((use == DATABASE_READ || use == DATABASE_COPY) &&
	    store_open_patiently(admin->database, use == DATABASE_READ ? STORE_READ : STORE_COPY,
				 READER_PATIENCE_MS, &admin->store, err) < 0)
		return -1;
	if (use == DATABASE_EXCERPT && excerpt_open(admin, err) < 0)
		return -1;
	if (line->command->skips_invalid_rows)
		admin_skip_invalid_rows(admin, admin->store);
	if (command_run(admin, &line->arguments, err) < 0)
		return -1;
	return use == DATABASE_CHANGE || use == DATABASE_LATE_CHANGE
		       ? admin_commit(admin, false, err)
		       : 0;
}

/* An incomplete list must not be taken for a complete one. */
static int check_rows(const struct admin *admin, struct error *err)
{
	size_t count = admin->invalid_rows.count;

	if (count == 0)
		return 0;
	return error_set(err, ERROR_STORE, "%zu invalid row%s of database '%s' %s left out", count,
			 count == 1 ? "" : "s", admin->database, count == 1 ? "was" : "were");
}

/*
 * Root opens, recovers and changes nothing that the database's owner can write, because SQLite
 * would do whatever a file there says. Commands that need root's rights for something else get an
 * excerpt.
 */
static int give_up_rights(struct admin *admin, const struct command_line *line, struct error *err)
{
	struct account account;

	if (line->command->database == DATABASE_EXCERPT)
		return files_open(admin, &line->arguments, NULL, err);
	if (account_of_directory(admin->memory, admin->database, &account, err) < 0)
		return error_prefix(err, "database '%s'", admin->database);
	if (files_open(admin, &line->arguments, &account, err) < 0 ||
	    account_become(&account, err) < 0)
		return -1;
	return files_open_late(admin, &line->arguments, err);
}

static int run_line(struct arena *memory, struct command_line *line, struct error *err)
{
	struct files files = FILES_NONE;
	struct settings settings;
	struct admin admin = {
		.memory = memory,
		.settings = &settings,
		.messages = TEXTS_IN(memory),
		.warnings = TEXTS_IN(memory),
		.hints = TEXTS_IN(memory),
		.invalid_rows = TEXTS_IN(memory),
		.changed_providers = TEXTS_IN(memory),
	};
	int r;

	line->arguments.files = &files;
	if (line->is_quiet)
		print_quietly();
	if (load_settings(memory, line, &settings, err) < 0)
		return -1;
	store_set_lock_timeout(settings.database.lock_timeout);
	admin.database = line->database ? line->database : settings.database.file;
	/* A mistyped --database must not become one. */
	admin.may_create = !line->database || line->command->creates_database;
	r = give_up_rights(&admin, line, err);
	if (r == 0)
		r = run_command(&admin, line, err);
	store_close(admin.store);
	files_close(&files);
	if (r == 0)
		print_messages(&admin, line);
	return r == 0 && line->command->skips_invalid_rows ? check_rows(&admin, err) : r;
}

static int parse_and_run(struct arena *memory, int argc, char *const *argv, struct error *err)
{
	struct command_line line;

	if (argc > 1 && text_equals(argv[1], "complete")) {
		complete_print(memory, argv + 1, (size_t)argc - 1);
		return 0;
	}
	if (command_line_parse(memory, families, argc, argv, false, &line, err) < 0)
		return -1;
	if (line.wants_version)
		puts("mailconfctl " MAILCONFD_VERSION);
	else if (line.wants_help)
		help_print(memory, &line);
	else if (run_line(memory, &line, err) < 0)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err = { 0 }, lost = { 0 };
	int status = EXIT_DONE;
	bool was_lost;

	if (challenge_is_hook())
		return challenge_hook(argc, argv);
	/* For the widths of characters; everything that is written for machines is the same in
	 * every locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (parse_and_run(&memory, argc, argv, &err) < 0) {
		error_print(err.text, err.hint);
		status = err.kind == ERROR_USAGE || err.kind == ERROR_CONFIG ? EXIT_USAGE
									     : EXIT_REFUSED;
	}
	/* A truncated report must not look complete. The reason is known of the last write alone.
	 */
	was_lost = ferror(stdout);
	if (fflush(stdout) != 0) {
		error_set(&lost, ERROR_SYSTEM, "cannot write to standard output: %s",
			  strerror(errno));
	} else if (was_lost) {
		error_set(&lost, ERROR_SYSTEM, "cannot write all of it to standard output");
		error_hint(&lost, "is the disk full?");
	} else {
		return status;
	}
	error_print(lost.text, lost.hint);
	return status ? status : EXIT_REFUSED;
}
