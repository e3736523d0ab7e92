/* Which property of a CAA record decides for a name (RFC 8659 4.3). */

#include <string.h>

#include "dns/caa.h"
#include "dns/resolver.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define RECORDS_MAX 3
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct property {
	const char *tag, *value;
};

static struct dns_record encode(struct arena *memory, const struct property *property)
{
	size_t length = strlen(property->tag);
	const char *text = arena_printf(memory, "%c%c%s%s", 1, (int)length, property->tag,
					property->value);
	struct dns_record record = {
		.type = DNS_CAA,
		.name = "example.org",
		.data = (const unsigned char *)text,
		.size = strlen(text),
	};

	return record;
}

static void test_wildcards(void **state)
{
	static const char only_other[] = "the CAA records of example.org allow only other.example";
	static const char none[] = "the CAA records of example.org allow no CA";
	static const struct {
		const char *title;
		struct property properties[RECORDS_MAX];
		const char *name, *wildcard; /* the objections to example.org, *.example.org */
	} rows[] = {
		{ "no record that names CAs", { { "iodef", "mailto:a@example.org" } } },
		{ "issue is for both", { { "issue", "ca.example" } } },
		{ "another", { { "issue", "other.example" } }, only_other, only_other },
		{ "none", { { "issue", ";" } }, none, none },
		{ "issuewild is for wildcards", { { "issuewild", ";" } }, NULL, none },
		{ "which it restricts",
		  { { "issue", "ca.example" }, { "issuewild", "other.example" } },
		  NULL,
		  only_other },
		{ "in any order and letters",
		  { { "IssueWild", ";" }, { "Issue", "ca.example" } },
		  NULL,
		  none },
		{ "and permits", { { "issue", ";" }, { "issuewild", "ca.example" } }, none, NULL },
		{ "one of several is enough",
		  { { "issue", "other.example" },
		    { "issuewild", "other.example" },
		    { "issuewild", "ca.example" } },
		  only_other,
		  NULL },
		{ "a longer tag is another",
		  { { "issuewilder", ";" }, { "issue", "ca.example" } } },
	};
	static const char *const identities[] = { "ca.example" };
	const struct caa_issuer issuer = { identities, 1, "dns-01" };

	for (size_t i = 0; i < COUNT(rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct dns_record records[RECORDS_MAX];
		struct caa_set set = { .owner = "example.org", .records = records };

		while (set.count < RECORDS_MAX && rows[i].properties[set.count].tag) {
			records[set.count] = encode(&memory, &rows[i].properties[set.count]);
			set.count++;
		}
		set.name = "example.org";
		check_text(rows[i].title, caa_find_objection(&memory, &set, &issuer), rows[i].name);
		set.name = "*.example.org";
		check_text(rows[i].title, caa_find_objection(&memory, &set, &issuer),
			   rows[i].wildcard);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wildcards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
