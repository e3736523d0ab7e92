#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cli/options.h"
#include "mail/provider.h"
#include "util/arena.h"
#include "util/error.h"

#define WORDS_MAX 12

static const struct option paint_options[] = {
	{ "colour", "TEXT", "" },
	{ "finish", "matt|glossy", "" },
	{ "twice", NULL, "" },
	{ "nail", "TEXT", "", .repeats = true },
	{ 0 },
};

static const struct command fence_paint = {
	.name = "fence paint",
	.arguments = "FENCE [BOARD] [BOARD]",
	.options = { paint_options },
};
static const struct command fence_list = { .name = "fence list", .arguments = "" };
static const struct command doctor = { .name = "doctor", .arguments = "[NAME]" };

static const struct family known[] = {
	{ "fence", NULL, (const struct command *const[]){ &fence_paint, &fence_list, NULL } },
	{ "doctor", NULL, (const struct command *const[]){ &doctor, NULL } },
	{ 0 },
};

static int parse(struct arena *memory, const char *const *words, struct command_line *line,
		 struct error *err)
{
	const char *argv[WORDS_MAX + 1] = { "mailconfctl" };
	int argc = 1;

	while (*words)
		argv[argc++] = *words++;
	return command_line_parse(memory, known, argc, (char *const *)argv, false, line, err);
}

static void takes_a_line_apart(void **state)
{
	static const char *const words[] = { "--json",	     "fence",	"--config=a", "paint",
					     "--colour=red", "garden",	"--finish",   "matt",
					     "--database",   "--twice", "--",	      "--twice" };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *all[WORDS_MAX + 1] = { NULL };
	struct command_line line;
	struct error err;

	(void)state;
	memcpy(all, words, sizeof(words));
	assert_int_equal(parse(&memory, all, &line, &err), 0);
	assert_ptr_equal(line.command, &fence_paint);
	assert_true(line.arguments.is_json);
	assert_string_equal(line.config, "a");
	assert_string_equal(line.database, "--twice");
	assert_int_equal(line.arguments.count, 2);
	assert_string_equal(line.arguments.words[0], "garden");
	assert_string_equal(line.arguments.words[1], "--twice");
	assert_string_equal(option_value(&line.arguments, "colour"), "red");
	assert_string_equal(option_value(&line.arguments, "finish"), "matt");
	assert_false(option_is_given(&line.arguments, "twice"));
	assert_true(option_any_given(&line.arguments, paint_options));
}

static void knows_what_help_is_wanted_for(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const struct family *family;
		const struct command *command;
	} cases[] = {
		{ { "--help" }, NULL, NULL },
		{ { "help" }, NULL, NULL },
		{ { "help", "fence" }, &known[0], NULL },
		{ { "fence", "--help" }, &known[0], NULL },
		{ { "fence", "paint", "--help" }, &known[0], &fence_paint },
		{ { "--help", "fence", "paint" }, &known[0], &fence_paint },
		{ { "help", "fence", "paint" }, &known[0], &fence_paint },
		{ { "doctor", "--help" }, &known[1], &doctor },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct command_line line;
		struct error err;

		assert_int_equal(parse(&memory, cases[i].words, &line, &err), 0);
		assert_true(line.wants_help);
		assert_ptr_equal(line.family, cases[i].family);
		assert_ptr_equal(line.command, cases[i].command);
	}
}

static void tells_empty_from_not_given(void **state)
{
	static const char *const words[] = { "fence", "paint", "-", "--colour=", "", NULL };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct command_line line;
	struct error err;

	(void)state;
	assert_int_equal(parse(&memory, words, &line, &err), 0);
	assert_string_equal(option_value(&line.arguments, "colour"), "");
	assert_null(option_value(&line.arguments, "finish"));
	assert_int_equal(line.arguments.count, 2);
	assert_string_equal(line.arguments.words[0], "-");
	assert_string_equal(line.arguments.words[1], "");
}

static void refuses_wrong_usage(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *text;
	} cases[] = {
		{ { NULL }, "no command given; see 'mailconfctl --help'" },
		{ { "fense" }, "unknown command 'fense'; did you mean 'fence'?" },
		{ { "wall" }, "unknown command 'wall'; see 'mailconfctl --help'" },
		{ { "fence" }, "'fence' needs one of paint, list; see 'mailconfctl fence --help'" },
		{ { "fence", "piant" },
		  "unknown command 'fence piant'; did you mean 'fence paint'?" },
		{ { "fence", "jump" },
		  "unknown command 'fence jump'; there are paint, list; see 'mailconfctl fence "
		  "--help'" },
		{ { "fence", "paint" },
		  "'fence paint' needs FENCE [BOARD] [BOARD]; see 'mailconfctl fence paint "
		  "--help'" },
		{ { "fence", "paint", "a", "b", "c", "d" },
		  "'fence paint' takes FENCE [BOARD] [BOARD], and 'd' is one too many; see "
		  "'mailconfctl fence paint --help'" },
		{ { "fence", "list", "x" },
		  "'fence list' takes no argument 'x'; see 'mailconfctl fence list --help'" },
		{ { "--colour", "red", "fence" },
		  "unknown option '--colour' before the command; see 'mailconfctl --help'" },
		{ { "--jsno", "fence" }, "unknown option '--jsno'; did you mean '--json'?" },
		{ { "fence", "paint", "--color=x" },
		  "unknown option '--color'; did you mean '--colour'?" },
		{ { "fence", "list", "--colour=x" },
		  "'fence list' has no option '--colour'; see 'mailconfctl fence list --help'" },
		{ { "fence", "list", "-x" },
		  "unknown option '-x'; see 'mailconfctl fence list --help'" },
		{ { "fence", "paint", "a", "--colour" },
		  "option '--colour' needs a value: TEXT; see 'mailconfctl fence paint --help'" },
		{ { "fence", "paint", "a", "--twice=yes" },
		  "option '--twice' takes no value; see 'mailconfctl fence paint --help'" },
		{ { "fence", "paint", "a", "--twice", "--twice" },
		  "option '--twice' is given twice; see 'mailconfctl fence paint --help'" },
		{ { "--config=a", "fence", "list", "--config=b" },
		  "option '--config' is given twice; see 'mailconfctl fence list --help'" },
		{ { "fence", "paint", "a", "--finish=mat" },
		  "option '--finish' does not take 'mat'; did you mean 'matt'?" },
		{ { "fence", "paint", "a", "--finish", "dull" },
		  "option '--finish' takes matt or glossy, not 'dull'; see 'mailconfctl fence "
		  "paint --help'" },
		{ { "fence", "paint", "a", "--finish=" },
		  "option '--finish' takes matt or glossy, not ''; see 'mailconfctl fence "
		  "paint --help'" },
		{ { "--", "--help" }, "unknown command '--help'; see 'mailconfctl --help'" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct command_line line;
		struct error err = { 0 };

		assert_int_equal(parse(&memory, cases[i].words, &line, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_string_equal(error_line(&memory, &err), cases[i].text);
	}
}

static void takes_some_options_again(void **state)
{
	static const char *const words[] = { "fence",	 "paint",      "a",
					     "--nail=1", "--colour=x", "--nail",
					     "--nail",	 "--nail=1",   NULL };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct command_line line;
	const char **values;
	struct error err;

	(void)state;
	assert_int_equal(parse(&memory, words, &line, &err), 0);
	assert_int_equal(option_values(&memory, &line.arguments, "nail", &values), 3);
	assert_string_equal(values[0], "1");
	assert_string_equal(values[1], "--nail");
	assert_string_equal(values[2], "1");
	assert_int_equal(option_values(&memory, &line.arguments, "colour", &values), 1);
	assert_int_equal(option_values(&memory, &line.arguments, "finish", &values), 0);
}

/* Defaults that are not values, such as "its domain", belong to attributes that are unset. */
static void help_states_the_defaults_of_a_new_provider(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct provider provider = PROVIDER_DEFAULT;
	size_t checked = 0;

	(void)state;
	for (const struct option *option = provider_options; option->name; option++) {
		const char *value = attribute_text(&memory, option, &provider);
		const char *stated = strstr(option->summary, "(default: ");

		if (!value || !*value)
			continue;
		assert_non_null(stated);
		stated += strlen("(default: ");
		assert_string_equal(arena_strndup(&memory, stated, strcspn(stated, ";)")), value);
		checked++;
	}
	assert_true(checked >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_line_apart),
		cmocka_unit_test(knows_what_help_is_wanted_for),
		cmocka_unit_test(tells_empty_from_not_given),
		cmocka_unit_test(takes_some_options_again),
		cmocka_unit_test(refuses_wrong_usage),
		cmocka_unit_test(help_states_the_defaults_of_a_new_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
