#include <string.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/shell-words.h"

/* Commands as "LINE[word][word]LINE[word]". */
static const char *split(struct arena *memory, const char *text, size_t size, struct error *err)
{
	struct words words = WORDS_IN(text, size);
	struct bytes all = BYTES_IN(memory);
	const char **list;
	size_t count;
	int r;

	while ((r = words_next(&words, memory, &list, &count, err)) == 0) {
		bytes_add_format(&all, "%u", words.line);
		for (size_t i = 0; i < count; i++)
			bytes_add_format(&all, "[%s]", list[i]);
	}
	if (r == WORDS_END)
		return bytes_text(&all);
	return arena_printf(memory, "line %u: %s", words.line, err->text);
}

static void test_accepted(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "\n \n# nothing\n", "" },
		{ "a", "1[a]" },
		{ "a b\n\nc\td \r\ne", "1[a][b]3[c][d]4[e]" },
		{ "\xef\xbb\xbf"
		  "a b",
		  "1[a][b]" },
		{ "a # b", "1[a]" },
		{ "a#b #c", "1[a#b]" },
		{ "a '#b'", "1[a][#b]" },
		{ "''", "1[]" },
		{ "a \"\" b", "1[a][][b]" },
		{ "'a b'\"c d\"e", "1[a bc de]" },
		{ "'a\\'", "1[a\\]" },
		{ "\"a\\\"b\\\\c\\d\\$e\\`f\"", "1[a\"b\\c\\d$e`f]" },
		{ "a\\ b \\'c \\#d", "1[a b]['c][#d]" },
		{ "a \\\n b\nc", "1[a][b]3[c]" },
		{ "a\\\r\nb", "1[ab]" },
		{ "'a\nb' c\nd", "1[a\nb][c]3[d]" },
		{ "\"a\\\nb\" c\nd", "1[ab][c]3[d]" },
		{ "$HOME *;|&", "1[$HOME][*;|&]" },
		{ "a\\", "1[a\\]" },
		{ "b\303\274cher", "1[b\303\274cher]" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct error err = { 0 };

		check_text(rows[i].in, split(&memory, rows[i].in, strlen(rows[i].in), &err),
			   rows[i].out);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *out;
		size_t size;
	} rows[] = {
		{ "a\nb 'c\nd\n", "line 2: the quote ' that is opened here is not closed" },
		{ "a \"b\\\"", "line 1: the quote \" that is opened here is not closed" },
		{ "a 'b'\"", "line 1: the quote \" that is opened here is not closed" },
		{ "a\nb\0c", "line 2: a NUL byte is in this line; is it a text?", 5 },
		{ "a 'b\n\0'", "line 2: a NUL byte is in this line; is it a text?", 7 },
		{ "a\\\0", "line 1: a NUL byte is in this line; is it a text?", 3 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		size_t size = rows[i].size ? rows[i].size : strlen(rows[i].in);
		struct error err = { 0 };

		check_text(rows[i].in, split(&memory, rows[i].in, size, &err), rows[i].out);
		check_number(rows[i].in, err.kind, ERROR_INPUT);
	}
}

static void test_quoted(void **state)
{
	static const struct {
		const char *in, *out, *in_sentence;
	} rows[] = {
		{ "a4711", "a4711", "a4711" },
		{ "first.last+x@b\303\274cher.example", "first.last+x@b\303\274cher.example",
		  "first.last+x@b\303\274cher.example" },
		{ "https://mail.example/%EMAILLOCALPART%", "https://mail.example/%EMAILLOCALPART%",
		  "https://mail.example/%EMAILLOCALPART%" },
		{ "*.example.org", "*.example.org", "\"*.example.org\"" },
		{ "", "''", "\"\"" },
		{ "First Last", "'First Last'", "\"First Last\"" },
		{ "O'Neil", "'O'\\''Neil'", "\"O'Neil\"" },
		{ "UNI\\%LOGIN%", "'UNI\\%LOGIN%'", "\"UNI\\\\%LOGIN%\"" },
		{ "#1", "'#1'", "\"#1\"" },
		{ "a\nb", "'a\nb'", "\"a\nb\"" },
		{ "$x", "'$x'", "\"\\$x\"" },
		{ "'", "''\\'''", "\"'\"" },
		{ "\"", "'\"'", "\"\\\"\"" },
		{ "\xef\xbb\xbf"
		  "a",
		  "'\xef\xbb\xbf"
		  "a'",
		  "\"\xef\xbb\xbf"
		  "a\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *quoted = word_quote(&memory, rows[i].in);
		struct error err = { 0 };

		check_text(rows[i].in, quoted, rows[i].out);
		check_text(rows[i].in, split(&memory, quoted, strlen(quoted), &err),
			   arena_printf(&memory, "1[%s]", rows[i].in));
		quoted = word_in_sentence(&memory, rows[i].in);
		check_text(rows[i].in, quoted, rows[i].in_sentence);
		check_text(rows[i].in, split(&memory, quoted, strlen(quoted), &err),
			   arena_printf(&memory, "1[%s]", rows[i].in));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_quoted),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
