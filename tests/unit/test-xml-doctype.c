/* The one DOCTYPE that a document of ours may have, and what must not come in with it. */

#include <string.h>

#include "protocol/xml.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define PUBLIC "-//Apple//DTD PLIST 1.0//EN"
#define SYSTEM "http://www.apple.com/DTDs/PropertyList-1.0.dtd"
#define ACCEPTED "<!DOCTYPE plist PUBLIC \"" PUBLIC "\" \"" SYSTEM "\""

static const struct xml_doctype plist = { "plist", PUBLIC, SYSTEM };

static void test_check(void **state)
{
	static const struct {
		const char *in, *words; /* NULL: accepted */
	} rows[] = {
		{ ACCEPTED "><plist/>", NULL },
		{ ACCEPTED "  >\n<plist><string>&amp;</string></plist>\n", NULL },
		{ "<?xml version=\"1.0\"?>\n<!-- x -->\n" ACCEPTED ">\n<plist/>", NULL },
		{ "<!DOCTYPE plist PUBLIC '" PUBLIC "' '" SYSTEM "'><plist/>", NULL },
		{ "<plist/>", NULL },
		{ "<!DOCTYPE plist><plist/>", "line 1: the only DOCTYPE accepted is" },
		{ "\n<!DOCTYPE plist SYSTEM \"" SYSTEM "\"><plist/>", "line 2: the only DOCTYPE" },
		{ "<!DOCTYPE dict PUBLIC \"" PUBLIC "\" \"" SYSTEM "\"><dict/>", "the only" },
		{ "<!DOCTYPE plist PUBLIC \"" PUBLIC "\" \"plist.dtd\"><plist/>", "the only" },
		{ "<!DOCTYPE plist PUBLIC \"\" \"" SYSTEM "\"><plist/>", "the only" },
		{ ACCEPTED " []><plist/>", "the only" },
		{ ACCEPTED "[<!ENTITY a 'b'>]><plist>&a;</plist>", "the only" },
		{ ACCEPTED " [ <!ENTITY % a SYSTEM 'file:///etc/hostname'> %a; ]><plist/>",
		  "the only" },
		/* The external subset, which is not looked at, might declare it. */
		{ ACCEPTED "><plist>&nbsp;</plist>", "line 1: Entity 'nbsp' not defined" },
		{ ACCEPTED "><plist a=\"&nbsp;\"/>", "line 1: Entity 'nbsp' not defined" },
		{ ACCEPTED ">" ACCEPTED "><plist/>", "line 1: " },
		{ "<plist>" ACCEPTED "></plist>", "line 1: " },
		{ ACCEPTED, "line 1: " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };
		int r = xml_check(rows[i].in, strlen(rows[i].in), &plist, &err);

		check_number(rows[i].in, r, rows[i].words ? -1 : 0);
		if (rows[i].words)
			check_error(rows[i].in, &err, ERROR_INPUT, rows[i].words);
	}
}

/* What clients send has no DOCTYPE at all, and neither have other documents of ours. */
static void test_others(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	static const char in[] = ACCEPTED "><plist/>";
	struct error err = { 0 };

	assert_null(xml_parse(&memory, in, strlen(in), &err));
	check_error("parse", &err, ERROR_INPUT, "a DOCTYPE is not accepted");
	assert_int_equal(xml_check(in, strlen(in), NULL, &err), -1);
	check_error("check", &err, ERROR_INPUT, "line 1: a DOCTYPE is not accepted");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
