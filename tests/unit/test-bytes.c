#include <stdalign.h>
#include <string.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/log.h"

static void test_percent_decode(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} rows[] = {
		{ "", "" },
		{ "fred@example.org", "fred@example.org" },
		{ "fred%40example.org", "fred@example.org" },
		{ "a%2bb", "a+b" },
		{ "a%2Bb", "a+b" },
		{ "a+b", "a+b" },
		{ "%e2%82%AC", "\342\202\254" },
		{ "%2540", "%40" },
		{ "%01%fF", "\001\377" },
		{ "%", NULL },
		{ "a%", NULL },
		{ "%4", NULL },
		{ "a%4", NULL },
		{ "%4g", NULL },
		{ "%g4", NULL },
		{ "%%41", NULL },
		{ "% 41", NULL },
		{ "%+4", NULL },
		{ "%00", NULL },
		{ "fred%00@example.org", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(rows[i].in, percent_decode(&memory, rows[i].in, strlen(rows[i].in)),
			   rows[i].out);
}

static void test_percent_decode_reads_no_more_than_length(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	assert_string_equal(percent_decode(&memory, "a%41b", 4), "aA");
	assert_null(percent_decode(&memory, "a%41b", 3));
	assert_string_equal(percent_decode(&memory, "abc", 0), "");
	assert_null(percent_decode(&memory, "a\0b", 3));
}

static void test_utf8(void **state)
{
	static const struct {
		const char *what, *data;
		bool is_valid;
	} rows[] = {
		{ "nothing", "", true },
		{ "ASCII", "fred\t\177", true },
		{ "U+0080", "\302\200", true },
		{ "U+07FF", "\337\277", true },
		{ "U+0800", "\340\240\200", true },
		{ "U+D7FF", "\355\237\277", true },
		{ "U+E000", "\356\200\200", true },
		{ "U+FFFF", "\357\277\277", true },
		{ "U+10000", "\360\220\200\200", true },
		{ "U+10FFFF", "\364\217\277\277", true },
		{ "continuation alone", "a\200", false },
		{ "overlong slash", "\300\257", false },
		{ "overlong DEL", "\301\277", false },
		{ "overlong in three bytes", "\340\237\277", false },
		{ "overlong in four bytes", "\360\217\277\277", false },
		{ "first high surrogate", "\355\240\200", false },
		{ "last low surrogate", "\355\277\277", false },
		{ "U+110000", "\364\220\200\200", false },
		{ "five bytes", "\370\210\200\200\200", false },
		{ "FF", "\377", false },
		{ "two bytes, cut", "a\303", false },
		{ "three bytes, cut", "\342\202", false },
		{ "four bytes, cut", "\360\237\230", false },
		{ "letter inside a sequence", "\342\202a", false },
		{ "letter at the second place", "\303a", false },
		{ "Latin-1", "b\374cher", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_number(rows[i].what, utf8_is_valid(rows[i].data, strlen(rows[i].data)),
			     rows[i].is_valid);
	assert_true(utf8_is_valid("a\303\274", 1));
	assert_false(utf8_is_valid("a\303\274", 2));
	assert_int_equal(utf8_length("b\303\274cher \360\237\230\200"), 8);
}

static void test_number(void **state)
{
	static const struct {
		const char *in;
		unsigned long low, high;
		bool is_number;
		unsigned long number;
	} rows[] = {
		{ "0", 0, 9, true, 0 },
		{ "443", 1, 65535, true, 443 },
		{ "0443", 1, 65535, true, 443 },
		{ "65535", 1, 65535, true, 65535 },
		{ "18446744073709551615", 0, (unsigned long)-1, true, (unsigned long)-1 },
		{ "0", 1, 65535, false },
		{ "65536", 1, 65535, false },
		{ "18446744073709551616", 0, (unsigned long)-1, false },
		{ "18446744073709551625", 0, (unsigned long)-1, false },
		{ "99999999999999999999", 0, (unsigned long)-1, false },
		{ "184467440737095516160", 0, (unsigned long)-1, false },
		{ "", 0, 9, false },
		{ "+1", 0, 9, false },
		{ "-1", 0, (unsigned long)-1, false },
		{ " 1", 0, 9, false },
		{ "1 ", 0, 9, false },
		{ "0x10", 0, 99, false },
		{ "1.0", 0, 9, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned long number = 4711;

		check_number(rows[i].in,
			     number_parse(rows[i].in, rows[i].low, rows[i].high, &number),
			     rows[i].is_number);
		check_number(rows[i].in, (long long)number,
			     rows[i].is_number ? (long long)rows[i].number : 4711);
	}
}

static void test_case(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	assert_string_equal(text_lower(&memory, "Fred@EXAMPLE.org[`{"), "fred@example.org[`{");
	/* Only ASCII letters: a mailbox name in another script is not ours to fold. */
	assert_string_equal(text_lower(&memory, "B\303\234"), "b\303\234");
	assert_true(text_equals_ignoring_case("OAuth2", "oauth2"));
	assert_false(text_equals_ignoring_case("OAuth2", "oauth"));
	assert_false(text_equals_ignoring_case("oauth", "OAuth2"));
	assert_false(text_equals_ignoring_case("@", "`"));
	assert_true(text_starts_with_ignoring_case("Basic x", "basic "));
	assert_true(text_starts_with_ignoring_case("x", ""));
	assert_false(text_starts_with_ignoring_case("bas", "basic"));
}

static void test_bytes_grow(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes bytes = BYTES_IN(&memory);
	char wanted[3000 + 1];

	assert_string_equal(bytes_text(&bytes), "");
	bytes_add(&bytes, NULL, 0);
	assert_string_equal(bytes_text(&bytes), "");

	for (size_t i = 0; i < 3000; i++) {
		wanted[i] = (char)('a' + i % 26);
		bytes_add_char(&bytes, wanted[i]);
		assert_int_equal(bytes_text(&bytes)[i + 1], '\0');
	}
	wanted[3000] = '\0';
	assert_int_equal(bytes.size, 3000);
	assert_string_equal(bytes_text(&bytes), wanted);

	bytes_add(&bytes, "x\0y", 3);
	bytes_add_format(&bytes, "%s:%d", "port", 993);
	bytes_add_text(&bytes, ";");
	assert_int_equal(bytes.size, 3000 + 3 + strlen("port:993;"));
	assert_memory_equal(bytes.data + 3000, "x\0yport:993;", 3 + sizeof("port:993;"));
}

static void test_bytes_add_much_at_once(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes bytes = BYTES_IN(&memory);
	char much[5000];

	memset(much, 'm', sizeof(much));
	bytes_add_char(&bytes, '<');
	bytes_add(&bytes, much, sizeof(much));
	bytes_add_char(&bytes, '>');
	assert_int_equal(strlen(bytes_text(&bytes)), sizeof(much) + 2);
	assert_memory_equal(bytes_text(&bytes) + 1, much, sizeof(much));
	assert_string_equal(bytes_text(&bytes) + sizeof(much) + 1, ">");
}

static void test_log_quote(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ NULL, "-" },
		{ "", "''" },
		{ "autoconfig.example.org", "'autoconfig.example.org'" },
		{ "say 'hi' \"\\o/", "'say \\'hi\\' \"\\\\o/'" },
		{ "a\nlevel=error\r\t\033[31m\177", "'a\\x0alevel=error\\x0d\\x09\\x1b[31m\\x7f'" },
		{ "b\303\274cher", "'b\\xc3\\xbccher'" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char text[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(rows[i].out, log_quote(&memory, rows[i].in), rows[i].out);

	memset(text, 'x', sizeof(text));
	text[256] = '\0';
	check_text("256 bytes", log_quote(&memory, text), arena_printf(&memory, "'%s'", text));
	text[256] = 'x';
	text[257] = '\0';
	check_text("257 bytes", log_quote(&memory, text),
		   arena_printf(&memory, "'%.256s...'", text));
}

static void test_arena(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 15, 16, 17, 4000, 16384, 16385, 100000, 1, 0 };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *taken[sizeof(sizes) / sizeof(*sizes)];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			taken[i] = arena_alloc(&memory, sizes[i]);
			check_number("aligned", (uintptr_t)taken[i] % alignof(max_align_t), 0);
			for (size_t j = 0; j < sizes[i]; j++)
				if (taken[i][j] != 0)
					fail_msg("%zu bytes are not zeroed", sizes[i]);
			memset(taken[i], (int)i + 1, sizes[i]);
		}
		/* Nothing lies upon anything else. */
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			for (size_t j = 0; j < sizes[i]; j++)
				if (taken[i][j] != (char)(i + 1))
					fail_msg("%zu bytes were written over", sizes[i]);
		if (round == 1)
			arena_clear(&memory);
	}
}

static void test_arena_gives_memory_for_nothing(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	/* Through a volatile, for the compiler takes the prototype's word that it is not NULL. */
	void *volatile nothing = arena_alloc(&memory, 0);

	assert_non_null(nothing);
}

static void test_arena_text(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char text[] = "example.org";
	char *copy = arena_strdup(&memory, text);

	text[0] = 'E';
	assert_string_equal(copy, "example.org");
	assert_string_equal(arena_strndup(&memory, "example", 4), "exam");
	assert_string_equal(arena_strndup(&memory, "example", 0), "");
	assert_string_equal(arena_printf(&memory, "%s:%d", "a", 7), "a:7");
	assert_string_equal(arena_printf(&memory, "%s", ""), "");
	assert_int_equal(strlen(arena_printf(&memory, "%40000s", "x")), 40000);
}

static void test_error_prefix(void **state)
{
	char text[2 * sizeof(((struct error *)0)->text)];
	struct error err = { 0 };

	assert_int_equal(error_set(&err, ERROR_CONFIG, "line %d", 7), -1);
	assert_int_equal(error_prefix(&err, "reading '%s'", "a.conf"), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.text, "reading 'a.conf': line 7");

	/* Too much text loses its end; what was said last stays in front. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)error_set(&err, ERROR_INPUT, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	(void)error_prefix(&err, "here");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "here: xxx", strlen("here: xxx"));

	(void)error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, text, sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percent_decode),
		cmocka_unit_test(test_percent_decode_reads_no_more_than_length),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_bytes_grow),
		cmocka_unit_test(test_bytes_add_much_at_once),
		cmocka_unit_test(test_log_quote),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_arena_gives_memory_for_nothing),
		cmocka_unit_test(test_arena_text),
		cmocka_unit_test(test_error_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
