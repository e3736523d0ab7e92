#include "observe/user-agent.h"
#include "unit/fixture.h"

/* The first five are recorded (see tests/golden), the others as servers' logs have them. */
static void test_agents(void **state)
{
	static const struct {
		const char *field, *wanted;
	} rows[] = {
		{ "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0",
		  "thunderbird" },
		{ "Evolution/3.46.4-2+deb12u1 ", "evolution" },
		{ "Mozilla/5.0 (X11; Linux x86_64) KIO/5.103 ispdb/0.1", "kde" },
		{ "exchangelib/4.9.0 (python-requests/2.28.1)", "exchangelib" },
		{ NULL, "none" },
		{ "", "none" },
		{ "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.11601; Pro)",
		  "outlook" },
		{ "Outlook-iOS-Android/1.0", "outlook-mobile" },
		{ "Mac OS X/10.15.7 (19H15) accountsd/113", "apple" },
		{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 "
		  "Firefox/131.0",
		  "browser" },
		{ "curl/7.88.1", "script" },
		{ "\x1b[31m", "other" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(rows[i].field, user_agent_name(user_agent_find(rows[i].field)),
			   rows[i].wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "agents", test_agents },
	};

	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
