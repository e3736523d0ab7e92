#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/did-you-mean.h"

static void counts_mistakes(void **state)
{
	static const struct {
		const char *typed, *name;
		size_t mistakes;
	} cases[] = {
		{ "threads", "threads", 0 },
		{ "Threads", "threads", 0 },
		{ "thread", "threads", 1 },
		{ "threadss", "threads", 1 },
		{ "treads", "threads", 1 },
		{ "thraeds", "threads", 1 },
		{ "htreasd", "threads", 2 },
		{ "tread", "threads", 2 },
		{ "trad", "threads", SIMILAR_NEVER },
		{ "", "file", SIMILAR_NEVER },
		{ "ile", "file", 1 },
		{ "log", "tls", SIMILAR_NEVER },
		{ "tsl", "tls", 1 },
		{ "tl", "tls", 1 },
		{ "foo", "log", SIMILAR_NEVER },
		{ "a-word-that-is-longer-than-any-name-we-have", "file", SIMILAR_NEVER },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (similar_mistakes(cases[i].typed, cases[i].name) != cases[i].mistakes)
			fail_msg("'%s' for '%s'", cases[i].typed, cases[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
