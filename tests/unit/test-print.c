#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>

#include "cli/print.h"
#include "cli/terminal.h"
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

static void cuts_to_cells(void **state)
{
	static const struct {
		const char *text;
		size_t cells, room;
		const char *cut;
	} cases[] = {
		{ "", 0, 1, "" },
		{ "abc", 3, 3, "abc" },
		{ "abcd", 4, 3, "ab\342\200\246" },
		{ "abcd", 4, 1, "\342\200\246" },
		/* Two cells each. */
		{ "\344\276\213\345\255\220", 4, 4, "\344\276\213\345\255\220" },
		{ "\344\276\213\345\255\220", 4, 3, "\344\276\213\342\200\246" },
		{ "\344\276\213\345\255\220", 4, 2, "\342\200\246" },
		/* e and an accent that combines with it. */
		{ "Zoe\314\210", 3, 3, "Zoe\314\210" },
		{ "Zoe\314\210x", 4, 4, "Zoe\314\210x" },
		{ "Zoe\314\210xy", 5, 4, "Zoe\314\210\342\200\246" },
		{ "\377\377", 2, 1, "\342\200\246" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(cells_of(cases[i].text), cases[i].cells);
		assert_string_equal(cells_cut(&memory, cases[i].text, cases[i].room), cases[i].cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_a_terminal_obeys),
		cmocka_unit_test(cuts_to_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
