#include "cli/cli.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/complete.h"
#include "cli/excerpt.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/redirect-loops.h"
#include "cli/warnings.h"
#include "config/settings.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "util/account.h"
#include "util/arena.h"
#include "util/error.h"
#include "util/host-fqdn.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

void cli_say(struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->is_trial)
		return;
	va_start(args, format);
	bytes_add_text(&cli->said,
		       text_escape(cli->memory, arena_vprintf(cli->memory, format, args)));
	bytes_add_char(&cli->said, '\n');
	va_end(args);
}

void cli_warn(struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->is_trial)
		return;
	va_start(args, format);
	if (cli->place)
		bytes_add_format(&cli->warned, "%s: ", text_escape(cli->memory, cli->place));
	bytes_add_text(&cli->warned,
		       text_escape(cli->memory, arena_vprintf(cli->memory, format, args)));
	bytes_add_char(&cli->warned, '\n');
	va_end(args);
}

static void warn_of_template(const char *sentence, void *context)
{
	cli_warn(context, "%s", sentence);
}

struct templates *cli_templates(struct cli *cli)
{
	struct templates *templates;

	(void)templates_load(cli->settings->templates.directory, NULL, warn_of_template, cli,
			     &templates);
	return templates;
}

const char *cli_public_name(struct cli *cli)
{
	const char *name = cli->settings->server.public_name, *own;

	if (*name)
		return name;
	own = own_name(cli->memory);
	return own ? own : name;
}

/* A row may be met several times. */
static void warn_of_row(const char *sentence, void *context)
{
	struct cli *cli = context;

	if (strstr(bytes_text(&cli->warned), text_escape(cli->memory, sentence)))
		return;
	cli->invalid_rows++;
	cli_warn(cli, "%s", sentence);
}

void cli_skip_invalid_rows(struct cli *cli, struct store *store)
{
	store_skip_invalid_rows(store, warn_of_row, cli);
}

int cli_commit(struct cli *cli, bool is_dry, struct error *err)
{
	/* An invalid row that is not concerned does not keep others from being changed or removed.
	 */
	cli_skip_invalid_rows(cli, cli->store);
	if (providers_warn(cli, err) < 0 || loops_check(cli, err) < 0)
		return -1;
	if (!is_dry)
		return store_commit(cli->store, err);
	store_rollback(cli->store);
	return 0;
}

/* {"done": ["user a@example.org added, login a"]} */
static void speak_json(struct cli *cli)
{
	char *lines = arena_strdup(cli->memory, bytes_text(&cli->said)), *line;
	json_t *entry = json_object(), *done = json_array();

	while ((line = strsep(&lines, "\n")) && *line)
		if (json_array_append_new(done, json_string(line)) < 0)
			abort(); /* out of memory: every line is made valid before */
	entry_put(entry, "done", done);
	entry_print(entry, true);
}

static void speak(struct cli *cli, const struct command_line *line)
{
	char *lines = arena_strdup(cli->memory, bytes_text(&cli->warned)), *warning;
	bool changes = line->command->database == DATABASE_CHANGE ||
		       line->command->database == DATABASE_LATE_CHANGE;

	if (cli->is_json && !print_has_begun_json() && (changes || cli->said.size > 0))
		speak_json(cli);
	else if (!cli->is_json && !line->is_quiet)
		fputs(bytes_text(&cli->said), stdout);
	while ((warning = strsep(&lines, "\n")) && *warning)
		warning_print(warning);
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
		error_print(reports.errors.items[i]);
	return error_set(err, ERROR_CONFIG, "%s", reports.errors.items[last]);
}

int cli_open(struct cli *cli, bool makes_it, struct error *err)
{
	if (cli->store)
		return 0;
	if (store_open(cli->database, makes_it && cli->may_create ? STORE_WRITE : STORE_CHANGE,
		       &cli->store, err) != 0)
		return -1;
	return 0;
}

int cli_begin(struct cli *cli, struct error *err)
{
	if (cli->store)
		return 0;
	if (cli_open(cli, true, err) < 0)
		return -1;
	return store_begin(cli->store, err);
}

static int change(struct cli *cli, const struct command_line *line, struct error *err)
{
	if (line->command->database == DATABASE_CHANGE && cli_begin(cli, err) < 0)
		return -1;
	if (line->command->run(cli, &line->arguments, err) < 0)
		return -1;
	return cli_commit(cli, false, err);
}

static int run_command(struct cli *cli, const struct command_line *line, struct error *err)
{
	switch (line->command->database) {
	case DATABASE_CHANGE:
	case DATABASE_LATE_CHANGE:
		return change(cli, line, err);
	case DATABASE_READ:
		if (store_open_patiently(cli->database, STORE_READ, READER_PATIENCE_MS, &cli->store,
					 err) < 0)
			return -1;
		break;
	case DATABASE_COPY:
		if (store_open_patiently(cli->database, STORE_COPY, READER_PATIENCE_MS, &cli->store,
					 err) < 0)
			return -1;
		break;
	case DATABASE_EXCERPT:
		if (excerpt_open(cli, err) < 0)
			return -1;
		break;
	case DATABASE_OWN_CHANGE:
	case DATABASE_NONE:
		break;
	}
	if (line->command->skips_invalid_rows)
		cli_skip_invalid_rows(cli, cli->store);
	return line->command->run(cli, &line->arguments, err);
}

/* An incomplete list must not be taken for a complete one. */
static int check_rows(const struct cli *cli, struct error *err)
{
	if (cli->invalid_rows == 0)
		return 0;
	return error_set(err, ERROR_STORE, "%u invalid row%s of database '%s' %s left out",
			 cli->invalid_rows, cli->invalid_rows == 1 ? "" : "s", cli->database,
			 cli->invalid_rows == 1 ? "was" : "were");
}

/*
 * Root opens, recovers and changes nothing that the database's owner can write, because SQLite
 * would do whatever a file there says. Commands that need root's rights for something else get an
 * excerpt.
 */
static int give_up_rights(struct cli *cli, const struct command_line *line, struct error *err)
{
	struct account account;

	if (line->command->database == DATABASE_EXCERPT)
		return files_open(cli, &line->arguments, NULL, err);
	if (account_of_directory(cli->memory, cli->database, &account, err) < 0)
		return error_prefix(err, "database '%s'", cli->database);
	if (files_open(cli, &line->arguments, &account, err) < 0 ||
	    account_become(&account, err) < 0)
		return -1;
	return files_open_late(cli, &line->arguments, err);
}

static int run(struct arena *memory, const struct command_line *line, struct error *err)
{
	struct settings settings;
	struct cli cli = {
		.memory = memory,
		.settings = &settings,
		.is_json = line->is_json,
		.files = FILES_NONE,
		.said = BYTES_IN(memory),
		.warned = BYTES_IN(memory),
		.changed = BYTES_IN(memory),
	};
	int r;

	if (line->is_quiet)
		print_quietly();
	if (load_settings(memory, line, &settings, err) < 0)
		return -1;
	cli.database = line->database ? line->database : settings.database.file;
	/* A mistyped --database must not become one. */
	cli.may_create = !line->database || line->command->creates_database;
	r = give_up_rights(&cli, line, err);
	if (r == 0)
		r = run_command(&cli, line, err);
	store_close(cli.store);
	files_close(&cli.files);
	if (r == 0)
		speak(&cli, line);
	return r == 0 && line->command->skips_invalid_rows ? check_rows(&cli, err) : r;
}

static int answer(struct arena *memory, int argc, char *const *argv, struct error *err)
{
	struct command_line line;

	if (argc > 1 && text_equals(argv[1], "complete")) {
		complete_print(memory, argv + 2, (size_t)argc - 2);
		return 0;
	}
	if (command_line_parse(memory, families, argc, argv, &line, err) < 0)
		return -1;
	if (line.wants_version)
		puts("mailconfctl " MAILCONFD_VERSION);
	else if (line.wants_help)
		help_print(memory, &line);
	else if (run(memory, &line, err) < 0)
		return -1;
	return 0;
}

/* Why something was not written is known of the last write alone. */
static int finish_output(struct error *err)
{
	bool was_lost = ferror(stdout);

	if (fflush(stdout) != 0)
		return error_set(err, ERROR_SYSTEM, "cannot write to standard output: %s",
				 strerror(errno));
	if (was_lost)
		return error_set(err, ERROR_SYSTEM,
				 "cannot write all of it to standard output; is the disk full?");
	return 0;
}

static int exit_status(const struct error *err)
{
	switch (err->kind) {
	case ERROR_USAGE:
	case ERROR_CONFIG:
		return EXIT_USAGE;
	default:
		return EXIT_REFUSED;
	}
}

int cli_run(int argc, char *const *argv)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err = { 0 }, lost = { 0 };
	int r;

	/* For the widths of characters; everything that is written for machines is the same in
	 * every locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	r = answer(&memory, argc, argv, &err);
	if (r < 0)
		error_print(err.text);
	/* Whoever reads a report shall know that it is not whole. */
	if (finish_output(&lost) < 0) {
		error_print(lost.text);
		return r < 0 ? exit_status(&err) : EXIT_REFUSED;
	}
	return r < 0 ? exit_status(&err) : EXIT_DONE;
}
