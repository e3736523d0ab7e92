#include "cli/options.h"

#include <assert.h>
#include <stdarg.h>

#include "config/settings.h"
#include "util/did-you-mean.h"

const struct option global_options[] = {
	{ "config", "FILE", "the settings file (default: " SETTINGS_FILE ")" },
	{ "database", "FILE", "the database (default: from the settings file)" },
	{ "json", NULL, "print output as JSON" },
	{ "quiet", NULL, "print only errors and requested output" },
	{ "help", NULL, "print help: for all, for a family or for one command" },
	{ "version", NULL, "print the version" },
	{ 0 },
};

struct parser {
	struct arena *memory;
	const struct family *const *families;
	char *const *argv;
	int argc, next;
	bool options_ended, may_be_incomplete;
	const struct option *awaiting; /* a value that an incomplete line lacks */
	struct command_line line;
	struct error *err;
};

const char *command_name(struct arena *memory, const struct command *command)
{
	return command->verb ? arena_printf(memory, "%s %s", command->family, command->verb)
			     : command->family;
}

/* "mailconfctl user add --help", as far as the words are known. */
static const char *help_command(struct arena *memory, const struct family *family,
				const struct command *command)
{
	if (command)
		return arena_printf(memory, "mailconfctl %s --help", command_name(memory, command));
	if (family)
		return arena_printf(memory, "mailconfctl %s --help", family->name);
	return "mailconfctl --help";
}

int usage_error(struct arena *memory, const struct command *command, struct error *err,
		const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(memory, format, args);
	va_end(args);
	error_set(err, ERROR_USAGE, "%s", text);
	return error_hint(err, "see '%s'", help_command(memory, NULL, command));
}

static int refuse_line(struct parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse_line(struct parser *parser, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(parser->memory, format, args);
	va_end(args);
	error_set(parser->err, ERROR_USAGE, "%s", text);
	return error_hint(parser->err, "see '%s'",
			  help_command(parser->memory, parser->line.family, parser->line.command));
}

static const struct option *option_in(const struct option *table, const char *name)
{
	for (; table && table->name; table++)
		if (text_equals(table->name, name))
			return table;
	return NULL;
}

static const struct option *option_of(const struct command *command, const char *name)
{
	const struct option *found = NULL;

	for (size_t i = 0; i < OPTION_TABLES_MAX && !found; i++)
		found = option_in(command->options[i], name);
	return found;
}

const struct option *option_of_line(const struct command *command, const char *name)
{
	const struct option *found = option_in(global_options, name);

	return found || !command ? found : option_of(command, name);
}

static void nearest_option(struct nearest *nearest, const struct option *table)
{
	for (; table && table->name; table++)
		nearest_try(nearest, table->name);
}

static int refuse_unknown_option(struct parser *parser, const char *name)
{
	const struct command *command = parser->line.command;
	struct nearest nearest = NEAREST_TO(name);

	if (command)
		for (size_t i = 0; i < OPTION_TABLES_MAX; i++)
			nearest_option(&nearest, command->options[i]);
	nearest_option(&nearest, global_options);
	if (nearest.found) {
		error_set(parser->err, ERROR_USAGE, "unknown option '--%s'", name);
		return error_hint(parser->err, "did you mean '--%s'?", nearest.found);
	}
	if (!command)
		return refuse_line(parser, "unknown option '--%s' before the command", name);
	return refuse_line(parser, "'%s' has no option '--%s'",
			   command_name(parser->memory, command), name);
}

/* Checks the value of an option that has but a few: "yes|no". */
static int check_value(struct parser *parser, const struct option *option, const char *value)
{
	char *rest = arena_strdup(parser->memory, option->value), *choice;
	struct bytes choices = BYTES_IN(parser->memory);
	struct nearest nearest = NEAREST_TO(value);

	if (!strchr(option->value, '|'))
		return 0;
	while ((choice = strsep(&rest, "|"))) {
		if (text_equals(choice, value))
			return 0;
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
	return refuse_line(parser, "option '--%s' takes %s, not '%s'", option->name,
			   bytes_text(&choices), value);
}

static int add_option(struct parser *parser, struct given_option *list, size_t *count,
		      const struct option *option, const char *value)
{
	for (size_t i = 0; i < *count && !option->repeats; i++)
		if (list[i].option == option)
			return refuse_line(parser, "option '--%s' is given twice", option->name);
	list[(*count)++] = (struct given_option){ option, value };
	return 0;
}

static void set_global(struct command_line *line, const char *name, const char *value)
{
	if (text_equals(name, "config"))
		line->config = value;
	else if (text_equals(name, "database"))
		line->database = value;
	else if (text_equals(name, "json"))
		line->arguments.is_json = true;
	else if (text_equals(name, "quiet"))
		line->is_quiet = true;
	else if (text_equals(name, "help"))
		line->wants_help = true;
	else
		line->wants_version = true;
}

/* --option, --option VALUE or --option=VALUE */
static int parse_option(struct parser *parser, const char *text)
{
	const char *equals = strchr(text, '='), *value = "", *name;
	const struct option *option, *global;

	if (strncmp(text, "--", 2) != 0)
		return refuse_line(parser, "unknown option '%s'", text);
	name = arena_strndup(parser->memory, text + 2,
			     equals ? (size_t)(equals - text) - 2 : strlen(text) - 2);
	global = option_in(global_options, name);
	option = option_of_line(parser->line.command, name);
	if (!option)
		return refuse_unknown_option(parser, name);

	if (equals && !option->value)
		return refuse_line(parser, "option '--%s' takes no value", name);
	if (equals)
		value = equals + 1;
	else if (option->value && parser->next == parser->argc && parser->may_be_incomplete) {
		parser->awaiting = option;
		return 0;
	} else if (option->value && parser->next == parser->argc)
		return refuse_line(parser, "option '--%s' needs a value: %s", name, option->value);
	else if (option->value)
		value = parser->argv[parser->next++];
	if (option->value && check_value(parser, option, value) < 0)
		return -1;

	if (!global)
		return add_option(parser, parser->line.arguments.options,
				  &parser->line.arguments.n_options, option, value);
	set_global(&parser->line, name, value);
	return add_option(parser, parser->line.global, &parser->line.n_global, option, value);
}

static int parse_family(struct parser *parser, const char *word)
{
	struct nearest nearest = NEAREST_TO(word);

	for (size_t i = 0; parser->families[i]; i++) {
		const struct family *family = parser->families[i];

		if (text_equals(family->name, word)) {
			parser->line.family = family;
			if (!family->commands[0]->verb)
				parser->line.command = family->commands[0];
			return 0;
		}
		nearest_try(&nearest, family->name);
	}
	if (nearest.found) {
		error_set(parser->err, ERROR_USAGE, "unknown command '%s'", word);
		return error_hint(parser->err, "did you mean '%s'?", nearest.found);
	}
	return refuse_line(parser, "unknown command '%s'", word);
}

static const char *verbs_of(struct parser *parser, const struct family *family)
{
	struct bytes list = BYTES_IN(parser->memory);

	for (size_t i = 0; family->commands[i]; i++)
		bytes_add_format(&list, "%s%s", i ? ", " : "", family->commands[i]->verb);
	return bytes_text(&list);
}

static int parse_verb(struct parser *parser, const char *word)
{
	const struct family *family = parser->line.family;
	struct nearest nearest = NEAREST_TO(word);

	for (size_t i = 0; family->commands[i]; i++) {
		if (text_equals(family->commands[i]->verb, word)) {
			parser->line.command = family->commands[i];
			return 0;
		}
		nearest_try(&nearest, family->commands[i]->verb);
	}
	if (nearest.found) {
		error_set(parser->err, ERROR_USAGE, "unknown command '%s %s'", family->name, word);
		return error_hint(parser->err, "did you mean '%s %s'?", family->name,
				  nearest.found);
	}
	return refuse_line(parser, "unknown command '%s %s'; there are %s", family->name, word,
			   verbs_of(parser, family));
}

static int parse_word(struct parser *parser, const char *word)
{
	struct command_line *line = &parser->line;

	if (!line->family && !line->wants_help && text_equals(word, "help")) {
		line->wants_help = true;
		return 0;
	}
	if (!line->family)
		return parse_family(parser, word);
	if (!line->command)
		return parse_verb(parser, word);
	line->arguments.words[line->arguments.count++] = word;
	return 0;
}

/* "NAME [SERVICE-URL ...]": brackets are around what may be missing. */
static void count_arguments(const char *text, size_t *ret_min, size_t *ret_max)
{
	*ret_min = *ret_max = 0;
	for (; *text; text += strcspn(text, " "), text += *text == ' ') {
		if (strncmp(text, "...", 3) == 0) {
			*ret_max = SIZE_MAX;
			return;
		}
		*ret_min += *text != '[';
		++*ret_max;
	}
}

static int check_argument_count(struct parser *parser, const struct command *command)
{
	const struct arguments *arguments = &parser->line.arguments;
	const char *name = command_name(parser->memory, command);
	size_t min, max;

	count_arguments(command->arguments, &min, &max);
	if (arguments->count < min)
		return refuse_line(parser, "'%s' needs %s", name, command->arguments);
	if (arguments->count <= max)
		return 0;
	if (max == 0)
		return refuse_line(parser, "'%s' takes no argument '%s'", name,
				   arguments->words[0]);
	return refuse_line(parser, "'%s' takes %s, and '%s' is one too many", name,
			   command->arguments, arguments->words[max]);
}

static int check_complete(struct parser *parser)
{
	const struct command_line *line = &parser->line;
	const struct command *command = line->command;

	if (!line->family)
		return refuse_line(parser, "no command given");
	if (!command)
		return refuse_line(parser, "'%s' needs %s%s", line->family->name,
				   line->family->commands[1] ? "one of " : "",
				   verbs_of(parser, line->family));
	return check_argument_count(parser, command);
}

static struct parser parser_on(struct arena *memory, const struct family *const *known, int argc,
			       char *const *argv, struct error *err)
{
	size_t most = (size_t)argc + 1;

	return (struct parser){
		.memory = memory,
		.families = known,
		.argv = argv,
		.argc = argc,
		.next = 1,
		.line.arguments.words = arena_array(memory, const char *, most),
		.line.arguments.options = arena_array(memory, struct given_option, most),
		.line.global = arena_array(memory, struct given_option, most),
		.err = err,
	};
}

static int parse_words(struct parser *parser)
{
	while (parser->next < parser->argc) {
		const char *text = parser->argv[parser->next++];
		int r = 0;

		if (!parser->options_ended && text_equals(text, "--"))
			parser->options_ended = true;
		else if (!parser->options_ended && text[0] == '-' && text[1])
			r = parse_option(parser, text);
		else
			r = parse_word(parser, text);
		if (r < 0)
			return -1;
	}
	parser->line.arguments.command = parser->line.command;
	return 0;
}

int command_line_parse(struct arena *memory, const struct family *const *known, int argc,
		       char *const *argv, struct command_line *ret_line, struct error *err)
{
	struct parser parser = parser_on(memory, known, argc, argv, err);

	if (parse_words(&parser) < 0)
		return -1;
	if (!parser.line.wants_help && !parser.line.wants_version && check_complete(&parser) < 0)
		return -1;
	*ret_line = parser.line;
	return 0;
}

int command_line_parse_beginning(struct arena *memory, const struct family *const *known, int argc,
				 char *const *argv, struct beginning *ret_beginning)
{
	struct error ignored;
	struct parser parser = parser_on(memory, known, argc, argv, &ignored);

	parser.may_be_incomplete = true;
	if (parse_words(&parser) < 0)
		return -1;
	*ret_beginning = (struct beginning){
		.line = parser.line,
		.awaiting = parser.awaiting,
		.options_ended = parser.options_ended,
	};
	return 0;
}

const char *option_value(const struct arguments *arguments, const char *name)
{
	const struct option *option = option_of(arguments->command, name);

	assert(option);
	for (size_t i = 0; i < arguments->n_options; i++)
		if (arguments->options[i].option == option)
			return arguments->options[i].value;
	return NULL;
}

size_t option_values(struct arena *memory, const struct arguments *arguments, const char *name,
		     const char ***ret_values)
{
	const struct option *option = option_of(arguments->command, name);
	const char **values = arena_array(memory, const char *, arguments->n_options);
	size_t count = 0;

	assert(option);
	for (size_t i = 0; i < arguments->n_options; i++)
		if (arguments->options[i].option == option)
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
