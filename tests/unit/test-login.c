#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mail/text.h"
#include "util/arena.h"
#include "util/error.h"

static void reads_as_thunderbird_does(void **state)
{
	static const struct {
		const char *login;
		enum login_reading reading;
	} cases[] = {
		{ "a4711", LOGIN_READ_AS_TEXT },
		{ "4711", LOGIN_READ_AS_TEXT },
		{ "123456789012345", LOGIN_READ_AS_TEXT },
		{ "1234567890123456", LOGIN_READ_AS_NUMBER },
		{ "007", LOGIN_READ_AS_NUMBER },
		{ "0", LOGIN_READ_AS_NUMBER },
		{ "1e5", LOGIN_READ_AS_NUMBER },
		{ "1E+5", LOGIN_READ_AS_NUMBER },
		{ "1e", LOGIN_READ_AS_TEXT },
		{ "1e5e", LOGIN_READ_AS_TEXT },
		{ "1e999", LOGIN_READ_AS_TEXT },
		{ "0x10", LOGIN_READ_AS_NUMBER },
		{ "0XfF", LOGIN_READ_AS_NUMBER },
		{ "0x", LOGIN_READ_AS_TEXT },
		{ "0xg", LOGIN_READ_AS_TEXT },
		{ "-0x10", LOGIN_READ_AS_TEXT },
		{ "0b11", LOGIN_READ_AS_NUMBER },
		{ "0b12", LOGIN_READ_AS_TEXT },
		{ "0o17", LOGIN_READ_AS_NUMBER },
		{ "0o18", LOGIN_READ_AS_TEXT },
		{ "1.50", LOGIN_READ_AS_NUMBER },
		{ ".5", LOGIN_READ_AS_NUMBER },
		{ "5.", LOGIN_READ_AS_NUMBER },
		{ ".", LOGIN_READ_AS_TEXT },
		{ "-", LOGIN_READ_AS_TEXT },
		{ "+7", LOGIN_READ_AS_NUMBER },
		{ "-7", LOGIN_READ_AS_NUMBER },
		{ "1.2.3", LOGIN_READ_AS_TEXT },
		{ "1_000", LOGIN_READ_AS_TEXT },
		{ "Infinity", LOGIN_READ_AS_TEXT },
		{ "nan", LOGIN_READ_AS_TEXT },
		{ "true", LOGIN_READ_AS_TRUTH },
		{ "FALSE", LOGIN_READ_AS_TRUTH },
		{ "truely", LOGIN_READ_AS_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (login_reading(cases[i].login) != cases[i].reading)
			fail_msg("'%s'", cases[i].login);
}

static void accepts_logins(void **state)
{
	static const char *const good[] = {
		"a4711", "UNI\\a4711", "first.last@example.org", "J\303\274rgen", "a b",
		"50%",	 "%LOGIN",
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct error err = { 0 };

		if (login_check(&memory, good[i], &err) < 0)
			fail_msg("'%s': %s", good[i], err.text);
	}
}

static void refuses_logins(void **state)
{
	static const struct {
		const char *login, *words;
	} bad[] = {
		{ "", "must not be empty" },
		{ " a", "begins or ends with whitespace" },
		{ "a ", "begins or ends with whitespace" },
		{ "a\tb", "control character" },
		{ "a\177", "control character" },
		{ "a\302\233b", "control character" },
		{ "a\357\277\276", "control character" },
		{ "a\377", "not UTF-8" },
		{ "%EMAILADDRESS%", "placeholder" },
		{ "x-%EMAILLOCALPART%", "placeholder" },
		{ "%LOGIN%", "placeholder" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char too_long[257];
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (login_check(&memory, bad[i].login, &err) == 0)
			fail_msg("'%s' is accepted", bad[i].login);
		if (!strstr(err.text, bad[i].words))
			fail_msg("'%s': %s", bad[i].login, err.text);
	}
	memset(too_long, 'a', 256);
	too_long[256] = '\0';
	assert_int_equal(login_check(&memory, too_long, &err), -1);
	assert_int_equal(login_check(&memory, too_long + 1, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_as_thunderbird_does),
		cmocka_unit_test(accepts_logins),
		cmocka_unit_test(refuses_logins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
