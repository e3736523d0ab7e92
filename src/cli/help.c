#include "cli/help.h"

#include "cli/command.h"
#include "cli/options.h"

/* What is longer has its summary on the next line. */
#define OPTION_WIDTH_MAX 34

#define LINE_WIDTH 80

static int widest_command(struct arena *memory, const struct family *family)
{
	int width = 0;

	for (size_t i = 0; family->commands[i]; i++) {
		int length = (int)strlen(command_name(memory, family->commands[i]));

		if (length > width)
			width = length;
	}
	return width;
}

/* "--login PATTERN" */
static const char *option_usage(struct arena *memory, const struct option *option)
{
	return option->value ? arena_printf(memory, "--%s %s", option->name, option->value)
			     : arena_printf(memory, "--%s", option->name);
}

static int widest_option(struct arena *memory, const struct option *table, int width)
{
	for (; table && table->name; table++) {
		int length = (int)strlen(option_usage(memory, table));

		if (length > width && length <= OPTION_WIDTH_MAX)
			width = length;
	}
	return width;
}

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

static void print_options(struct arena *memory, const struct option *table, int width)
{
	for (; table && table->name; table++) {
		const char *usage = option_usage(memory, table);

		if (strlen(usage) > OPTION_WIDTH_MAX) {
			print_broken(memory, arena_printf(memory, "  %s", usage), '|');
			printf("  %-*s  %s\n", width, "", table->summary);
		} else {
			printf("  %-*s  %s\n", width, usage, table->summary);
		}
	}
}

static void print_global_options(struct arena *memory)
{
	printf("\nOptions, before or after the command:\n");
	print_options(memory, global_options, widest_option(memory, global_options, 0));
}

static void print_example(struct arena *memory, const char *example)
{
	char *rest = arena_strdup(memory, example), *line;

	while ((line = strsep(&rest, "\n")))
		printf("  %s\n", line);
}

static void print_program(struct arena *memory)
{
	int width = 0;

	printf("Usage: mailconfctl [--config FILE] [--database FILE] [--json] [--quiet] COMMAND\n"
	       "\n"
	       "Manages the mail domains, users and settings that mailconfd serves to clients.\n");
	for (size_t i = 0; families[i]; i++) {
		int needed = widest_command(memory, families[i]);

		width = needed > width ? needed : width;
	}
	for (size_t i = 0; families[i]; i++) {
		if (i == 0 || strcmp(families[i]->title, families[i - 1]->title) != 0)
			printf("\n%s:\n", families[i]->title);
		for (size_t j = 0; families[i]->commands[j]; j++)
			printf("  %-*s  %s\n", width,
			       command_name(memory, families[i]->commands[j]),
			       families[i]->commands[j]->summary);
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
	printf("%s:\n", family->title);
	for (size_t i = 0; family->commands[i]; i++) {
		const struct command *command = family->commands[i];

		printf("\n  mailconfctl %s%s%s\n        %s\n", command_name(memory, command),
		       *command->arguments ? " " : "", command->arguments, command->summary);
	}
	printf("\nExamples:\n");
	for (size_t i = 0; family->commands[i]; i++)
		print_example(memory, family->commands[i]->example);
	printf("\n'mailconfctl %s %s --help' shows the options of a command.\n", family->name,
	       family->commands[0]->verb);
}

static void print_command(struct arena *memory, const struct command *command)
{
	int width = 0;

	print_broken(memory,
		     arena_printf(memory, "Usage: mailconfctl %s%s%s%s",
				  command_name(memory, command), *command->arguments ? " " : "",
				  command->arguments, command->options[0] ? " [OPTION ...]" : ""),
		     ' ');
	printf("\n%s.\n", command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	for (size_t i = 0; i < OPTION_TABLES_MAX; i++)
		width = widest_option(memory, command->options[i], width);
	if (width > 0)
		printf("\nOptions:\n");
	for (size_t i = 0; i < OPTION_TABLES_MAX; i++)
		print_options(memory, command->options[i], width);
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
