#include "cli/options.h"

#include <assert.h>
#include <stdarg.h>

#include "admin/admin.h"
#include "config/settings.h"
#include "util/did-you-mean.h"

/* Each sets a member of struct command_line. */
const struct option global_options[] = {
	{ "config", "FILE", "the settings file (default: " SETTINGS_FILE ")",
	  .offset = offsetof(struct command_line, config) },
	{ "database", "FILE", "the database (default: from the settings file)",
	  .offset = offsetof(struct command_line, database) },
	{ "json", NULL, "print output as JSON",
	  .offset = offsetof(struct command_line, arguments.is_json) },
	{ "quiet", NULL, "print only errors and requested output",
	  .offset = offsetof(struct command_line, is_quiet) },
	{ "help", NULL, "print help: for all, for a family or for one command",
	  .offset = offsetof(struct command_line, wants_help) },
	{ "version", NULL, "print the version",
	  .offset = offsetof(struct command_line, wants_version) },
	{ 0 },
};

struct parser {
	struct arena *memory;
	const struct family *families;
	char *const *argv;
	int argc, next;
	bool is_beginning;
	struct command_line line;
	struct error *err;
};

int usage_error(const struct arguments *arguments, struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	err->kind = ERROR_USAGE;
	return error_hint(err, "see 'mailconfctl%s%s --help'", *arguments->name ? " " : "",
			  arguments->name);
}

const struct option *option_at(const struct command *command, size_t index)
{
	for (size_t i = command ? 0 : OPTION_TABLES_MAX; i <= OPTION_TABLES_MAX; i++) {
		const struct option *option = i < OPTION_TABLES_MAX ? command->options[i]
								    : global_options;

		for (; option && option->name; option++)
			if (index-- == 0)
				return option;
	}
	return NULL;
}

const struct option *option_named(const struct command *command, const char *name)
{
	const struct option *option;

	for (size_t i = 0; (option = option_at(command, i)); i++)
		if (text_equals(option->name, name))
			break;
	return option;
}

static int refuse_unknown_option(struct parser *parser, const char *name)
{
	const struct arguments *arguments = &parser->line.arguments;
	struct nearest nearest = NEAREST_TO(name);
	const struct option *option;

	for (size_t i = 0; (option = option_at(parser->line.command, i)); i++)
		nearest_try(&nearest, option->name);
	if (nearest.found) {
		error_set(parser->err, ERROR_USAGE, "unknown option '--%s'", name);
		return error_hint(parser->err, "did you mean '--%s'?", nearest.found);
	}
	if (!parser->line.command)
		return usage_error(arguments, parser->err,
				   "unknown option '--%s' before the command", name);
	return usage_error(arguments, parser->err, "'%s' has no option '--%s'", arguments->name,
			   name);
}

/* Checks the value of an option that has but a few: "yes|no". */
static int check_value(struct parser *parser, const struct option *option, const char *value)
{
	char *rest = arena_strdup(parser->memory, option->value), *choice;
	struct bytes choices = BYTES_IN(parser->memory);
	struct nearest nearest = NEAREST_TO(value);

	if (!strchr(option->value, '|') || choice_index(option->value, value) >= 0)
		return 0;
	while ((choice = strsep(&rest, "|"))) {
		bytes_add_format(&choices, "%s%s",
				 !choices.size ? ""
				 : rest	       ? ", "
					       : " or ",
				 choice);
		nearest_try(&nearest, choice);
	}
	if (nearest.found) {
		error_set(parser->err, ERROR_USAGE, "option '--%s' does not take '%s'",
			  option->name, value);
		return error_hint(parser->err, "did you mean '%s'?", nearest.found);
	}
	return usage_error(&parser->line.arguments, parser->err, "option '--%s' takes %s, not '%s'",
			   option->name, bytes_text(&choices), value);
}

/* --option, --option VALUE or --option=VALUE */
static int parse_option(struct parser *parser, const char *text)
{
	const char *equals = strchr(text, '='), *value = "", *name;
	struct command_line *line = &parser->line;
	struct arguments *arguments = &line->arguments;
	struct given_option *given = arguments->options;
	size_t *count = &arguments->n_options;
	const struct option *option;

	if (strncmp(text, "--", 2) != 0)
		return usage_error(arguments, parser->err, "unknown option '%s'", text);
	name = arena_strndup(parser->memory, text + 2, strcspn(text + 2, "="));
	option = option_named(line->command, name);
	if (!option)
		return refuse_unknown_option(parser, name);

	if (equals && !option->value)
		return usage_error(arguments, parser->err, "option '--%s' takes no value", name);
	if (equals) {
		value = equals + 1;
	} else if (option->value && parser->next < parser->argc) {
		value = parser->argv[parser->next++];
	} else if (option->value && parser->is_beginning) {
		line->awaiting = option;
		return 0;
	} else if (option->value) {
		return usage_error(arguments, parser->err, "option '--%s' needs a value: %s", name,
				   option->value);
	}
	if (option->value && check_value(parser, option, value) < 0)
		return -1;

	if (option == option_named(NULL, name)) {
		void *member = (char *)line + option->offset;

		if (option->value)
			*(const char **)member = value;
		else
			*(bool *)member = true;
		given = line->global;
		count = &line->n_global;
	}
	for (size_t i = 0; i < *count && !option->repeats; i++)
		if (given[i].option == option)
			return usage_error(arguments, parser->err, "option '--%s' is given twice",
					   name);
	given[(*count)++] = (struct given_option){ option, value };
	return 0;
}

static const char *verbs_of(struct parser *parser, const struct family *family)
{
	struct bytes list = BYTES_IN(parser->memory);

	for (size_t i = 0; family->commands[i]; i++)
		bytes_add_format(&list, "%s%s", i ? ", " : "", command_verb(family->commands[i]));
	return bytes_text(&list);
}

static void set_command(struct command_line *line, const struct command *command)
{
	line->command = line->arguments.command = command;
	line->arguments.name = command->name;
}

/* The family, or if that is known, the verb. */
static int parse_command(struct parser *parser, const char *word)
{
	struct command_line *line = &parser->line;
	const char *family = line->family ? line->family->name : "";
	const char *gap = line->family ? " " : "";
	struct nearest nearest = NEAREST_TO(word);

	if (line->family) {
		for (const struct command *const *command = line->family->commands; *command;
		     command++) {
			if (text_equals(command_verb(*command), word)) {
				set_command(line, *command);
				return 0;
			}
			nearest_try(&nearest, command_verb(*command));
		}
	} else {
		for (const struct family *known = parser->families; known->name; known++) {
			if (text_equals(known->name, word)) {
				line->family = known;
				line->arguments.name = known->name;
				if (!command_verb(known->commands[0]))
					set_command(line, known->commands[0]);
				return 0;
			}
			nearest_try(&nearest, known->name);
		}
	}
	usage_error(&line->arguments, parser->err, "unknown command '%s%s%s'%s%s", family, gap,
		    word, line->family && !nearest.found ? "; there are " : "",
		    line->family && !nearest.found ? verbs_of(parser, line->family) : "");
	return nearest.found ? error_hint(parser->err, "did you mean '%s%s%s'?", family, gap,
					  nearest.found)
			     : -1;
}

/* Counts by the text "NAME [SERVICE-URL ...]": brackets are around what may be missing. */
static int check_arguments(struct parser *parser, const struct command *command)
{
	const struct arguments *arguments = &parser->line.arguments;
	size_t min = 0, max = 0;

	for (const char *text = command->arguments; *text;
	     text += strcspn(text, " "), text += *text == ' ') {
		if (strncmp(text, "...", 3) == 0) {
			max = SIZE_MAX;
			break;
		}
		min += *text != '[';
		max++;
	}
	if (arguments->count < min)
		return usage_error(arguments, parser->err, "'%s' needs %s", command->name,
				   command->arguments);
	if (arguments->count > max && max == 0)
		return usage_error(arguments, parser->err, "'%s' takes no argument '%s'",
				   command->name, arguments->words[0]);
	if (arguments->count > max)
		return usage_error(arguments, parser->err,
				   "'%s' takes %s, and '%s' is one too many", command->name,
				   command->arguments, arguments->words[max]);
	if (command->changes && arguments->n_options == 0)
		return usage_error(arguments, parser->err, "'%s' needs %s", command->name,
				   command->changes);
	return 0;
}

static int check_complete(struct parser *parser)
{
	const struct family *family = parser->line.family;

	if (parser->line.command)
		return check_arguments(parser, parser->line.command);
	if (!family)
		return usage_error(&parser->line.arguments, parser->err, "no command given");
	return usage_error(&parser->line.arguments, parser->err, "'%s' needs %s%s", family->name,
			   family->commands[1] ? "one of " : "", verbs_of(parser, family));
}

int command_line_parse(struct arena *memory, const struct family *known, int argc,
		       char *const *argv, bool is_beginning, struct command_line *ret_line,
		       struct error *err)
{
	size_t most = (size_t)argc + 1;
	struct parser parser = {
		.memory = memory,
		.families = known,
		.argv = argv,
		.argc = argc,
		.next = 1,
		.is_beginning = is_beginning,
		.line.arguments.name = "",
		.line.arguments.words = arena_array(memory, const char *, most),
		.line.arguments.options = arena_array(memory, struct given_option, most),
		.line.global = arena_array(memory, struct given_option, most),
		.err = err,
	};
	struct command_line *line = &parser.line;

	while (parser.next < argc) {
		const char *text = argv[parser.next++];
		int r = 0;

		if (!line->options_ended && text_equals(text, "--"))
			line->options_ended = true;
		else if (!line->options_ended && text[0] == '-' && text[1])
			r = parse_option(&parser, text);
		else if (line->command)
			line->arguments.words[line->arguments.count++] = text;
		else if (!line->family && !line->wants_help && text_equals(text, "help"))
			line->wants_help = true;
		else
			r = parse_command(&parser, text);
		if (r < 0)
			return -1;
	}
	if (!is_beginning && !line->wants_help && !line->wants_version &&
	    check_complete(&parser) < 0)
		return -1;
	*ret_line = *line;
	return 0;
}

const char *option_value(const struct arguments *arguments, const char *name)
{
	assert(option_named(arguments->command, name));
	for (size_t i = 0; i < arguments->n_options; i++)
		if (text_equals(arguments->options[i].option->name, name))
			return arguments->options[i].value;
	return NULL;
}

size_t option_values(struct arena *memory, const struct arguments *arguments, const char *name,
		     const char ***ret_values)
{
	const char **values = arena_array(memory, const char *, arguments->n_options);
	size_t count = 0;

	assert(option_named(arguments->command, name));
	for (size_t i = 0; i < arguments->n_options; i++)
		if (text_equals(arguments->options[i].option->name, name))
			values[count++] = arguments->options[i].value;
	*ret_values = values;
	return count;
}

bool option_is_given(const struct arguments *arguments, const char *name)
{
	return option_value(arguments, name) != NULL;
}

bool option_any_given(const struct arguments *arguments, const struct option *table)
{
	for (; table->name; table++)
		if (option_is_given(arguments, table->name))
			return true;
	return false;
}

int options_apply(struct arena *memory, const struct arguments *arguments,
		  const struct option *table, void *row, struct error *err)
{
	for (; table->name; table++) {
		const char *value = option_value(arguments, table->name);

		if (value && attribute_set(memory, table, row, value, err) < 0)
			return -1;
	}
	return 0;
}

int command_run(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	int r;

	admin->ignores_missing = option_named(arguments->command, "if-exists") &&
				 option_is_given(arguments, "if-exists");
	r = arguments->command->run(admin, arguments, err);
	return r < 0 && err->kind == ERROR_MISSING && admin->ignores_missing ? 0 : r;
}
