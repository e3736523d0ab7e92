#include "mail/provider.h"
#include "unit/fixture.h"
#include "util/arena.h"

static void test_languages(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "en", "en" },
		{ "pt-BR", "pt-br" },
		{ "zh-Hant-TW", "zh-hant-tw" },
		{ "de-1996", "de-1996" },
		{ "gsw", "gsw" },
		{ "en-x-a1", "en-x-a1" },
		{ "abcdefgh-abcdefgh-abcdefgh-abcdefgh", "abcdefgh-abcdefgh-abcdefgh-abcdefgh" },
		{ "" },
		{ "e" },
		{ "english"
		  " language" },
		{ "pt_BR" },
		{ "pt-" },
		{ "-pt" },
		{ "pt--br" },
		{ "abcdefghi" },
		{ "en-abcdefghi" },
		{ "12" },
		{ "e1" },
		{ "d\303\251" },
		{ "en " },
		{ "abcdefgh-abcdefgh-abcdefgh-abcdefgh-a" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };

		check_text(rows[i].in, language_parse(&memory, rows[i].in, &err), rows[i].out);
		if (!rows[i].out)
			check_error(rows[i].in, &err, ERROR_INPUT,
				    "is not a language; write a tag such as en, de, pt-br");
	}
}

static void test_kinds(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err = { 0 };
	enum link_kind kind;

	for (size_t i = 0; i < LINK_KINDS; i++) {
		assert_int_equal(
			link_kind_parse(&memory, link_kind_name((enum link_kind)i), &kind, &err),
			0);
		assert_int_equal(kind, i);
	}
	assert_int_equal(link_kind_parse(&memory, "Enable", &kind, &err), -1);
	check_error("Enable", &err, ERROR_INPUT,
		    "'Enable' is not a kind of link; there are documentation and enable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
