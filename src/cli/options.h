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
};

extern const struct option global_options[];

/* The option of this name: a global one, or the command's, which may be NULL. NULL for none. */
const struct option *option_of_line(const struct command *command, const char *name);

/* Returns 0, or -1 with err set (ERROR_USAGE). */
int command_line_parse(struct arena *memory, const struct family *const *known, int argc,
		       char *const *argv, struct command_line *ret_line, struct error *err);

/* What the words before the one that is being typed mean. */
struct beginning {
	struct command_line line;      /* as far as it is known; nothing of it needs to be there */
	const struct option *awaiting; /* the option whose value comes next, or NULL */
	bool options_ended;
};

/* Returns 0, or -1 where the words are wrong already. */
int command_line_parse_beginning(struct arena *memory, const struct family *const *known, int argc,
				 char *const *argv, struct beginning *ret_beginning);

/* The value of a command's option, NULL where it was not given. The name must be in its tables. */
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

/* "user add". In memory. */
const char *command_name(struct arena *memory, const struct command *command);

/* An error of usage: the sentence, then where help is. Returns -1. */
int usage_error(struct arena *memory, const struct command *command, struct error *err,
		const char *format, ...) __attribute__((format(printf, 4, 5)));
