#include "cli/options.h"

/* What is longer has its summary on the next line. */
#define OPTION_WIDTH_MAX 34

#define LINE_WIDTH 80

/* Wraps the line at a mark, a space or another character, where it is too long for a terminal. */
static void print_broken(struct arena *memory, const char *text, char mark)
{
	const char marks[] = { mark, '\0' }, *gap = mark == ' ' ? "" : marks;
	char *rest = arena_strdup(memory, text), *piece;
	size_t used = 0;

	while ((piece = strsep(&rest, marks))) {
		if (used > 0 && used + 1 + strlen(piece) > LINE_WIDTH)
			used = (size_t)printf("%s\n        %s", gap, piece) - 1;
		else
			used += (size_t)printf("%s%s", used > 0 ? marks : "", piece);
	}
	putchar('\n');
}

/* "--login PATTERN" */
static const char *option_usage(struct arena *memory, const struct option *option)
{
	return arena_printf(memory, "--%s%s%s", option->name, option->value ? " " : "",
			    option->value ? option->value : "");
}

static void print_options(struct arena *memory, const char *heading,
			  const struct option *const *tables, size_t count)
{
	const struct option *option;
	int width = 0;

	for (size_t i = 0; i < count; i++)
		for (option = tables[i]; option && option->name; option++) {
			int length = (int)strlen(option_usage(memory, option));

			if (length > width && length <= OPTION_WIDTH_MAX)
				width = length;
		}
	if (width > 0)
		printf("\n%s:\n", heading);
	for (size_t i = 0; i < count; i++)
		for (option = tables[i]; option && option->name; option++) {
			const char *usage = option_usage(memory, option);

			if (strlen(usage) > OPTION_WIDTH_MAX) {
				print_broken(memory, arena_printf(memory, "  %s", usage), '|');
				usage = "";
			}
			printf("  %-*s  %s\n", width, usage, option->summary);
		}
}

static void print_global_options(struct arena *memory)
{
	print_options(memory, "Options, before or after the command",
		      (const struct option *const[]){ global_options }, 1);
}

static void print_example(struct arena *memory, const char *example)
{
	char *rest = arena_strdup(memory, example), *line;

	while ((line = strsep(&rest, "\n")))
		printf("  %s\n", line);
}

static void print_program(struct arena *memory)
{
	const struct command *const *command;
	int width = 0;

	printf("Usage: mailconfctl [--config FILE] [--database FILE] [--json] [--quiet] COMMAND\n"
	       "\n"
	       "Manages the mail domains, users and settings that mailconfd serves to clients.\n");
	for (const struct family *family = families; family->name; family++)
		for (command = family->commands; *command; command++)
			if ((int)strlen((*command)->name) > width)
				width = (int)strlen((*command)->name);
	for (const struct family *family = families; family->name; family++) {
		if (family == families || !text_equals(family->title, family[-1].title))
			printf("\n%s:\n", family->title);
		for (command = family->commands; *command; command++)
			printf("  %-*s  %s\n", width, (*command)->name, (*command)->summary);
	}
	print_global_options(memory);
	printf("\nExamples:\n");
	print_example(memory, "mailconfctl domain add example.org imaps://imap.example.org \\\n"
			      "        submissions://smtp.example.org\n"
			      "mailconfctl user add first.last@example.org a4711\n"
			      "mailconfctl preview outlook first.last@example.org");
	printf("\n'mailconfctl COMMAND --help' shows the options of a command.\n");
}

static void print_family(struct arena *memory, const struct family *family)
{
	const struct command *const *command;

	printf("%s:\n", family->title);
	for (command = family->commands; *command; command++)
		printf("\n  mailconfctl %s%s%s\n        %s\n", (*command)->name,
		       *(*command)->arguments ? " " : "", (*command)->arguments,
		       (*command)->summary);
	printf("\nExamples:\n");
	for (command = family->commands; *command; command++)
		print_example(memory, (*command)->example);
	printf("\n'mailconfctl %s --help' shows the options of a command.\n",
	       family->commands[0]->name);
}

static void print_command(struct arena *memory, const struct command *command)
{
	print_broken(memory,
		     arena_printf(memory, "Usage: mailconfctl %s%s%s%s", command->name,
				  *command->arguments ? " " : "", command->arguments,
				  command->options[0] ? " [OPTION ...]" : ""),
		     ' ');
	printf("\n%s.\n", command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	print_options(memory, "Options", command->options, OPTION_TABLES_MAX);
	print_global_options(memory);
	printf("\nExample:\n");
	print_example(memory, command->example);
}

void help_print(struct arena *memory, const struct command_line *line)
{
	if (line->command)
		print_command(memory, line->command);
	else if (line->family)
		print_family(memory, line->family);
	else
		print_program(memory);
}
