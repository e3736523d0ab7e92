#include <string.h>

#include "mail/pattern.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"
#define A64 A60 "aaaa"
#define A255 A60 A60 A60 A60 A10 "aaaaa"

static const struct pattern_values fred = {
	.address = "fred@example.org",
	.local = "fred",
	.domain = "example.org",
	.login = "a4711",
};

static void test_accepted(void **state)
{
	static const struct {
		const char *pattern;
		bool provider_too; /* or for a service only */
	} rows[] = {
		{ "%EMAILADDRESS%", true },
		{ "%EMAILLOCALPART%", true },
		{ "%EMAILDOMAIN%", true },
		{ "%EMAILDOMAIN%\\%EMAILLOCALPART%", true },
		{ "%EMAILLOCALPART%%EMAILDOMAIN%", true },
		{ "postmaster", true },
		{ "UNI\\%EMAILLOCALPART%", true },
		{ "first last", true },
		{ "b\303\274cher", true },
		{ "100%", true },
		{ "%", true },
		{ "%%", true },
		{ "a%20b", true },
		{ "%emailaddress%", true },
		{ "%EMAILADDRESS", true },
		{ "<&>\"'", true },
		{ A255, true },
		{ "%LOGIN%", false },
		{ "UNI\\%LOGIN%", false },
		{ "%EMAILDOMAIN%/%LOGIN%", false },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };

		if (pattern_check(&memory, rows[i].pattern, PATTERN_FOR_SERVICE, &err) < 0)
			fail_msg("%s: %s", rows[i].pattern, err.text);
		check_number(rows[i].pattern,
			     pattern_check(&memory, rows[i].pattern, PATTERN_FOR_PROVIDER, &err),
			     rows[i].provider_too ? 0 : -1);
		if (!rows[i].provider_too)
			check_error(rows[i].pattern, &err, ERROR_INPUT,
				    "only a service's own pattern may use it");
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *pattern, *words;
	} rows[] = {
		{ "", "must not be empty" },
		{ A255 "a", "at most 255 bytes" },
		{ " fred", "begins or ends with whitespace" },
		{ "fred ", "begins or ends with whitespace" },
		{ "\tfred", "begins or ends with whitespace" },
		{ "fred\n", "begins or ends with whitespace" },
		{ "fr\ned", "has a control character" },
		{ "fr\033ed", "has a control character" },
		{ "fred\177", "has a control character" },
		{ "fr\374ed", "is not UTF-8" },
		{ "%USER%", "%USER% is none of %EMAILADDRESS%" },
		{ "x%EMAIL%x", "%EMAIL% is none of" },
		{ "%EMAILADDRESS%%EMAILLOCAL%", "%EMAILLOCAL% is none of" },
		{ "%EMAILLOCALPART%%USERNAME%", "%USERNAME% is none of" },
		{ "%X%EMAILADDRESS%", "%X% is none of" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int use = PATTERN_FOR_PROVIDER; use <= PATTERN_FOR_SERVICE; use++) {
			struct error err = { 0 };

			check_number(rows[i].pattern,
				     pattern_check(&memory, rows[i].pattern, (enum pattern_use)use,
						   &err),
				     -1);
			check_error(rows[i].pattern, &err, ERROR_INPUT, rows[i].words);
		}
	}
}

static void test_expand(void **state)
{
	static const struct {
		const char *pattern, *out;
	} rows[] = {
		{ "%EMAILADDRESS%", "fred@example.org" },
		{ "%EMAILLOCALPART%", "fred" },
		{ "%EMAILDOMAIN%", "example.org" },
		{ "%LOGIN%", "a4711" },
		{ "UNI\\%LOGIN%", "UNI\\a4711" },
		{ "%EMAILLOCALPART%%EMAILDOMAIN%", "fredexample.org" },
		{ "%EMAILDOMAIN%/%EMAILLOCALPART%/%EMAILDOMAIN%", "example.org/fred/example.org" },
		{ "%%EMAILLOCALPART%%", "%fred%" },
		{ "%EMAILLOCALPART%EMAILDOMAIN%", "fredEMAILDOMAIN%" },
		{ "%EMAILLOCALPART", "%EMAILLOCALPART" },
		{ "%emaillocalpart%", "%emaillocalpart%" },
		{ "100%", "100%" },
		{ "plain", "plain" },
		{ "", "" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(rows[i].pattern, pattern_expand(&memory, rows[i].pattern, &fred),
			   rows[i].out);
}

/* A local part may look like a placeholder, and must not reach into the rest of the pattern. */
static void test_what_is_put_in_is_not_expanded(void **state)
{
	static const struct pattern_values values = {
		.address = "%EMAILDOMAIN%@example.org",
		.local = "%EMAILDOMAIN%",
		.domain = "example.org",
		.login = "%LOGIN%%EMAILADDRESS%",
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	assert_string_equal(pattern_expand(&memory, "%EMAILLOCALPART%", &values), "%EMAILDOMAIN%");
	assert_string_equal(pattern_expand(&memory, "%EMAILADDRESS%", &values),
			    "%EMAILDOMAIN%@example.org");
	assert_string_equal(pattern_expand(&memory, "x\\%LOGIN%", &values),
			    "x\\%LOGIN%%EMAILADDRESS%");
	assert_string_equal(pattern_expand(&memory, "%EMAILLOCALPART%EMAILDOMAIN%", &values),
			    "%EMAILDOMAIN%EMAILDOMAIN%");
}

static void test_what_has_no_value_stays(void **state)
{
	static const struct pattern_values nothing = { 0 }, domain = { .domain = "example.org" };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	assert_string_equal(pattern_expand(&memory, "%LOGIN%/%EMAILADDRESS%", &nothing),
			    "%LOGIN%/%EMAILADDRESS%");
	assert_string_equal(pattern_expand(&memory, "%EMAILLOCALPART%.%EMAILDOMAIN%", &domain),
			    "%EMAILLOCALPART%.example.org");
	/* Its closing percent sign begins nothing new, as it does not where it has a value. */
	assert_string_equal(pattern_expand(&memory, "%EMAILADDRESS%EMAILDOMAIN%", &domain),
			    "%EMAILADDRESS%EMAILDOMAIN%");
}

static void test_has_placeholder(void **state)
{
	static const struct {
		const char *text;
		bool has;
	} rows[] = {
		{ "%EMAILADDRESS%", true },
		{ "UNI\\%EMAILLOCALPART%", true },
		{ "mail.%EMAILDOMAIN%", true },
		{ "100% %EMAILADDRESS%", true },
		/* Clients do not know %LOGIN% and find what follows. */
		{ "%LOGIN%EMAILADDRESS%", true },
		{ "%LOGIN%", false },
		{ "%emailaddress%", false },
		{ "%EMAILADDRESS", false },
		{ "EMAILADDRESS%", false },
		{ "fred@example.org", false },
		{ "%", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_number(rows[i].text, pattern_has_placeholder(rows[i].text), rows[i].has);
}

static void test_host_pattern(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} rows[] = {
		{ "Mail.Example.org", "mail.example.org" },
		{ "mail.example.org.", "mail.example.org" },
		{ "b\303\274cher.example", "xn--bcher-kva.example" },
		{ "%EMAILDOMAIN%", "%EMAILDOMAIN%" },
		{ "Mail.%EMAILDOMAIN%", "mail.%EMAILDOMAIN%" },
		{ "a.b.%EMAILDOMAIN%", "a.b.%EMAILDOMAIN%" },
		{ "7.%EMAILDOMAIN%", "7.%EMAILDOMAIN%" },
		{ "%EMAILDOMAIN%.Example.org", "%EMAILDOMAIN%.example.org" },
		{ "%EMAILDOMAIN%.example.org.", "%EMAILDOMAIN%.example.org" },
		{ "%EMAILDOMAIN%.", "%EMAILDOMAIN%" },
		{ "mx.%EMAILDOMAIN%.mail.example.org", "mx.%EMAILDOMAIN%.mail.example.org" },
		{ "b\303\274cher.%EMAILDOMAIN%", "xn--bcher-kva.%EMAILDOMAIN%" },
		{ "%EMAILDOMAIN%.b\303\274cher.example", "%EMAILDOMAIN%.xn--bcher-kva.example" },
		{ A63 ".%EMAILDOMAIN%", A63 ".%EMAILDOMAIN%" },
		{ "", NULL },
		{ ".", NULL },
		{ "mail%EMAILDOMAIN%", NULL },
		{ "%EMAILDOMAIN%mail.example.org", NULL },
		{ ".%EMAILDOMAIN%", NULL },
		{ "mail..%EMAILDOMAIN%", NULL },
		{ "%EMAILDOMAIN%..example.org", NULL },
		{ "%EMAILDOMAIN%..", NULL },
		{ "%EMAILDOMAIN%.1", NULL },
		{ "%EMAILDOMAIN%.%EMAILDOMAIN%", NULL },
		{ "%EMAILADDRESS%.example.org", NULL },
		{ "%EMAILLOCALPART%.%EMAILDOMAIN%", NULL },
		{ "%LOGIN%.example.org", NULL },
		{ "%emaildomain%", NULL },
		{ "b\303\274cher.%emaildomain%", NULL },
		{ "ma_il.%EMAILDOMAIN%", NULL },
		{ "-mail.%EMAILDOMAIN%", NULL },
		{ A64 ".%EMAILDOMAIN%", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(rows[i].in, host_pattern_parse(&memory, rows[i].in), rows[i].out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_what_is_put_in_is_not_expanded),
		cmocka_unit_test(test_what_has_no_value_stays),
		cmocka_unit_test(test_has_placeholder),
		cmocka_unit_test(test_host_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
