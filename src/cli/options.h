#pragma once

/*
 * The command line, taken apart:
 *
 *     mailconfctl --json user list example.org --login=a4711
 *                 global |    |    |           option of the command
 *                        |    |    argument
 *                        family, verb: the command
 *
 * Global options are taken anywhere, those of the command after its words. "--" ends options.
 */

#include "cli/command.h"
#include "util/base.h"

struct files;

struct given_option {
	const struct option *option;
	const char *value; /* "" for an option without one */
};

/* What follows the words of a command. Borrows from argv. */
struct arguments {
	const char *name; /* of the command; of the family, or "", as far as a line is known */
	const struct command *command;
	const char **words;
	size_t count;
	struct given_option *options;
	size_t n_options;
	bool is_json;	     /* --json */
	struct files *files; /* opened by the framework as the command's table entry says */
};

struct command_line {
	const char *config;   /* NULL where not given */
	const char *database; /* NULL where not given */
	bool is_quiet;
	bool wants_help; /* for the command, else the family, else the program */
	bool wants_version;
	const struct family *family;   /* NULL where not given, only with wants_... */
	const struct command *command; /* likewise */
	struct arguments arguments;
	struct given_option *global; /* each once */
	size_t n_global;

	/* Of the beginning of a line. */
	const struct option *awaiting; /* the option whose value comes next, or NULL */
	bool options_ended;
};

extern const struct option global_options[];

/* The options of the command, which may be NULL, then the global ones; NULL behind the last. */
const struct option *option_at(const struct command *command, size_t index);

/* The one of them that has the name, or NULL. */
const struct option *option_named(const struct command *command, const char *name);

/* Returns 0, or -1 with err set (ERROR_USAGE). The beginning of a line, before the word that is
 * being typed, is taken apart as far as it goes: it may lack anything. */
int command_line_parse(struct arena *memory, const struct family *known, int argc,
		       char *const *argv, bool is_beginning, struct command_line *ret_line,
		       struct error *err);

/* The value of a command's option, NULL where it was not given. */
const char *option_value(const struct arguments *arguments, const char *name);

/* The values of an option that may be repeated, in the order given. Returns how many; the array is
 * in memory. */
size_t option_values(struct arena *memory, const struct arguments *arguments, const char *name,
		     const char ***ret_values);

bool option_is_given(const struct arguments *arguments, const char *name);

/* Whether any option of the table was given. */
bool option_any_given(const struct arguments *arguments, const struct option *table);

/* Sets the attributes of the table that were given in the members of a struct. Returns 0 or -1 with
 * err set. */
int options_apply(struct arena *memory, const struct arguments *arguments,
		  const struct option *table, void *row, struct error *err);

/* Runs the command. Returns 0, or -1 with err set; what it changed must then be rolled back. */
int command_run(struct admin *admin, const struct arguments *arguments, struct error *err);

/* An error of usage: the sentence, then where help is. Returns -1. */
int usage_error(const struct arguments *arguments, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints help, made from the tables: for the program, a family or one command. */
void help_print(struct arena *memory, const struct command_line *line);

/*
 * Prints what a shell may offer next, from the tables of commands and the names in the database.
 * The scripts in packaging/completion/ ask for it:
 *
 *     mailconfctl complete WORD ...
 *
 * The words are those after "mailconfctl", up to the one that is being typed, which may be "".
 * Each line of the answer is a whole word that could replace it, and maybe a tab and what
 * it means; or ":files", where the shell completes file names. argv is "complete" and the words.
 * Never fails: where the database cannot be read now, it offers no names.
 */
void complete_print(struct arena *memory, char *const *argv, size_t count);
