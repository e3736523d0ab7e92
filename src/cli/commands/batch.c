/* mailconfctl batch: many commands in one transaction, for panels and provisioning. */

#include "cli/commands/batch.h"

#include "admin/admin.h"
#include "admin/change.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "store/store.h"
#include "util/file.h"
#include "util/shell-words.h"

/* A file that a line names is opened with the rights that remain by now. */
static int run_words(struct admin *admin, const char **words, size_t count, bool is_json,
		     struct error *err)
{
	const char **argv = arena_array(admin->memory, const char *, count + 2);
	enum database_use use;
	struct command_line line;
	struct files files;
	int r;

	argv[0] = "mailconfctl";
	memcpy(argv + 1, words, count * sizeof(*words));
	if (command_line_parse(admin->memory, families, (int)count + 1, (char *const *)argv, false,
			       &line, err) < 0)
		return -1;
	if (line.n_global || line.wants_help)
		return error_set(err, ERROR_INPUT,
				 "global options stand before or after 'batch', not in its lines");
	use = line.command->database;
	if (use == DATABASE_OWN_CHANGE)
		return error_set(err, ERROR_INPUT,
				 "'%s' is a transaction of its own and cannot be in a batch",
				 line.command->name);
	if (use != DATABASE_CHANGE && use != DATABASE_LATE_CHANGE)
		return error_set(err, ERROR_INPUT, "'%s' changes nothing; a batch is for changes",
				 line.command->name);
	line.arguments.files = &files;
	line.arguments.is_json = is_json;
	r = files_open(admin, &line.arguments, NULL, err);
	if (r == 0)
		r = command_run(admin, &line.arguments, err);
	files_close(&files);
	return r;
}

int batch_run(struct admin *admin, const struct arguments *arguments, const char *text, size_t size,
	      size_t *ret_count, struct error *err)
{
	struct words all = WORDS_IN(text, size);
	struct arena *outer = admin->memory;

	*ret_count = 0;
	for (;;) {
		/* Of this command; messages and warnings outlive it. */
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *place, **words;
		size_t count;
		int r;

		r = words_next(&all, &memory, &words, &count, err);
		if (r == WORDS_END)
			return 0;
		place = arena_printf(&memory, "%s:%u", arguments->files->input.name, all.line);
		if (r == 0) {
			admin->memory = &memory;
			admin->place = place;
			r = run_words(admin, words, count, arguments->is_json, err);
			admin->memory = outer;
			admin->place = NULL;
		}
		if (r < 0) {
			/* It is not the command line of this program that is wrong. */
			if (err->kind == ERROR_USAGE)
				err->kind = ERROR_INPUT;
			return error_prefix(err, "%s", place);
		}
		(*ret_count)++;
	}
}

static int batch(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(freep) char *text = NULL;
	size_t size, count;

	/* All is read before other administrators are kept waiting. */
	text = input_read_all(&arguments->files->input, &size, err);
	if (!text || admin_begin(admin, err) < 0 ||
	    batch_run(admin, arguments, text, size, &count, err) < 0)
		return -1;
	admin_say(admin, "%zu command%s done", count, count == 1 ? "" : "s");
	return admin_commit(admin, false, err);
}

const struct command command_batch = {
	.name = "batch",
	.arguments = "FILE|-",
	.summary = "Run the commands in a file as one transaction",
	.details = "FILE has one command per line, without 'mailconfctl', quoted as for a shell; # "
		   "begins\n"
		   "a comment. If a command fails, its line number is reported, and nothing is "
		   "changed.",
	.example = "mailconfctl batch customer.commands\n"
		   "panel-export | mailconfctl batch -",
	.database = DATABASE_OWN_CHANGE,
	.file = FILE_INPUT,
	.run = batch,
};
