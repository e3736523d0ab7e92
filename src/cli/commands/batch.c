/* mailconfctl batch: many commands in one transaction, for panels and provisioning. */

#include "cli/commands/batch.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/options.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/input.h"
#include "util/shell-words.h"

static int check_command(struct arena *memory, const struct command_line *line, struct error *err)
{
	const char *name;

	if (line->config || line->database || line->is_json || line->is_quiet || line->wants_help ||
	    line->wants_version)
		return error_set(err, ERROR_INPUT,
				 "global options stand before or after 'batch', not in its lines");
	name = command_name(memory, line->command);
	switch (line->command->database) {
	case DATABASE_CHANGE:
	case DATABASE_LATE_CHANGE:
		return 0;
	case DATABASE_OWN_CHANGE:
		return error_set(err, ERROR_INPUT,
				 "'%s' is a transaction of its own and cannot be in a batch", name);
	default:
		return error_set(err, ERROR_INPUT, "'%s' changes nothing; a batch is for changes",
				 name);
	}
}

/* A file that a line names is opened with the rights that remain by now. */
static int run_words(struct cli *cli, const char **words, size_t count, struct error *err)
{
	const char **argv = arena_array(cli->memory, const char *, count + 2);
	struct command_line line;
	int r;

	argv[0] = "mailconfctl";
	memcpy(argv + 1, words, count * sizeof(*words));
	if (command_line_parse(cli->memory, families, (int)count + 1, (char *const *)argv, &line,
			       err) < 0 ||
	    check_command(cli->memory, &line, err) < 0)
		return -1;
	r = files_open(cli, &line.arguments, NULL, err);
	if (r == 0)
		r = line.command->run(cli, &line.arguments, err);
	files_close(&cli->files);
	return r;
}

/* The memory of a command is gone after it, but for what it said. */
static int run_command(struct cli *cli, const char **words, size_t count, const char *place,
		       struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct cli own = *cli;
	int r;

	own.memory = &memory;
	own.place = place;
	r = run_words(&own, words, count, err);
	cli->said = own.said;
	cli->warned = own.warned;
	cli->changed = own.changed;
	return r;
}

int batch_run(struct cli *cli, const char *name, const char *text, size_t size, size_t *ret_count,
	      struct error *err)
{
	struct words all = WORDS_IN(text, size);

	*ret_count = 0;
	for (;;) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *place, **words;
		size_t count;
		int r;

		r = words_next(&all, &memory, &words, &count, err);
		if (r == WORDS_END)
			return 0;
		place = arena_printf(&memory, "%s:%u", name, all.line);
		if (r == 0)
			r = run_command(cli, words, count, place, err);
		if (r < 0) {
			/* It is not the command line of this program that is wrong. */
			if (err->kind == ERROR_USAGE)
				err->kind = ERROR_INPUT;
			return error_prefix(err, "%s", place);
		}
		(*ret_count)++;
	}
}

static int batch(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	struct input *input = &cli->files.input;
	_cleanup_(freep) char *text = NULL;
	size_t size, count;

	/* All is read before other administrators are kept waiting. */
	text = input_read_all(input, &size, err);
	if (!text || cli_begin(cli, err) < 0 ||
	    batch_run(cli, input->name, text, size, &count, err) < 0)
		return -1;
	cli_say(cli, "%zu command%s done", count, count == 1 ? "" : "s");
	return cli_commit(cli, false, err);
}

static const struct command batch_command = {
	.family = "batch",
	.arguments = "FILE|-",
	.min = 1,
	.max = 1,
	.summary = "Run the commands of a file, all of them or none",
	.details =
		"One command is a line, without 'mailconfctl', quoted as for a shell; # begins a "
		"comment.\nAll that is changed is changed at once. The first command that fails is "
		"reported with\nits line, and nothing is changed then.",
	.example = "mailconfctl batch customer.commands\n"
		   "panel-export | mailconfctl batch -",
	.database = DATABASE_OWN_CHANGE,
	.file = FILE_INPUT,
	.run = batch,
};

const struct family family_batch = {
	.name = "batch",
	.title = "Batch: many commands at once",
	.commands = (const struct command *const[]){ &batch_command, NULL },
};
