#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/print.h"
#include "util/arena.h"

static void escapes_what_a_terminal_obeys(void **state)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{ "", "" },
		{ "J\303\274rgen \342\202\254 \360\237\220\235",
		  "J\303\274rgen \342\202\254 \360\237\220\235" },
		{ "a\033[2Jb", "a\\u001b[2Jb" },
		{ "a\nb\tc\177", "a\\u000ab\\u0009c\\u007f" },
		{ "\302\233m\302\240", "\\u009bm\302\240" },
		{ "\342\200\256gpj.exe", "\\u202egpj.exe" },
		{ "\377\303", "\\xff\\xc3" },
		{ "\300\200", "\\xc0\\x80" },
		{ "UNI\\a", "UNI\\a" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(text_escape(&memory, cases[i].text), cases[i].escaped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_a_terminal_obeys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
