#include "protocol/protocol.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/digest.h"

#define PATH "/mail/config-v1.1.xml"
#define HOST "autoconfig.example.net"

/* There is no request that it does not understand: with nothing to go by, the Host answers. */
static void test_parse(void **state)
{
	static const struct {
		const char *target, *host;
		const char *address, *domain, *asked; /* of the query */
	} rows[] = {
		{ PATH, HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=fred@example.org", HOST, "fred@example.org", "example.org",
		  HOST },
		{ PATH "?emailaddress=fred%40example.org", HOST, "fred@example.org", "example.org",
		  HOST },
		{ PATH "?emailaddress=fred+news@example.org", HOST, "fred+news@example.org",
		  "example.org", HOST },
		{ PATH "?emailaddress=Fred@EXAMPLE.org.", HOST, "Fred@example.org", "example.org",
		  HOST },
		{ PATH "?emailaddress=fred@b%C3%BCcher.example", HOST, "fred@xn--bcher-kva.example",
		  "xn--bcher-kva.example", HOST },
		{ PATH "?email=fred@example.org", HOST, "fred@example.org", "example.org", HOST },
		{ PATH "?emailmd5=0123&emailaddress=fred@example.org", HOST, "fred@example.org",
		  "example.org", HOST },

		/* Evolution's placeholder tells the domain and nobody's address. */
		{ PATH "?emailaddress=EVOLUTIONUSER%40example.org&emailmd5=0123", HOST, NULL,
		  "example.org", HOST },
		{ PATH "?emailaddress=evolutionuser@example.org", HOST, "evolutionuser@example.org",
		  "example.org", HOST },

		/* An address that cannot be read is as good as none. */
		{ PATH "?emailaddress=", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=%", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=fred", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=fred@", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=@example.org", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=%25EMAILADDRESS%25", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=fred@example.org%00", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=fred@example.org%0a", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=%20fred@example.org", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=%ff@example.org", HOST, NULL, NULL, HOST },
		{ PATH "?emailaddress=fred&emailaddress=fred@example.org", HOST, NULL, NULL, HOST },
		{ PATH "?x=fred@example.org", HOST, NULL, NULL, HOST },

		/* Hosts */
		{ PATH, "Autoconfig.Example.NET:443", NULL, NULL, HOST },
		{ PATH, NULL, NULL, NULL, NULL },
		{ PATH, "", NULL, NULL, NULL },
		{ PATH, "192.0.2.1", NULL, NULL, NULL },
		{ PATH, "[2001:db8::1]:443", NULL, NULL, NULL },
		{ PATH "?email=fred@example.org", NULL, "fred@example.org", "example.org", NULL },
		{ PATH "?email=fred@example.org", "<junk>", "fred@example.org", "example.org",
		  NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const struct request request = {
			.method = "GET",
			.target = rows[i].target,
			.host = rows[i].host,
		};
		struct question question = autoconfig_parse(&memory, &request);
		const struct query *query = &question.query;

		check_number(rows[i].target, question.failure, FAILURE_NONE);
		check_text(rows[i].target, question.protocol->name, "autoconfig");
		check_text(rows[i].target, query->address ? query->address->text : NULL,
			   rows[i].address);
		check_text(rows[i].target, query->domain, rows[i].domain);
		check_text(rows[i].target, query->host, rows[i].asked);
		check_number(rows[i].target, query->host_may_answer, true);
	}
}

#define EVOLUTION PATH "?emailaddress=EVOLUTIONUSER%40example.org"
#define DIGITS "2960a687c8031d3d105b67802b5e130e"

/* Only who keeps the address back is asked for by the MD5 of it. */
static void test_md5(void **state)
{
	static const struct {
		const char *target, *md5;
	} rows[] = {
		{ EVOLUTION "&emailmd5=" DIGITS, DIGITS },
		{ EVOLUTION "&emailmd5=2960A687C8031D3D105B67802B5E130E", DIGITS },
		{ PATH "?emailmd5=" DIGITS "&emailaddress=EVOLUTIONUSER@example.org", DIGITS },
		{ EVOLUTION, NULL },
		{ EVOLUTION "&emailmd5=", NULL },
		{ EVOLUTION "&emailmd5", NULL },
		{ EVOLUTION "&emailmd5=" DIGITS "0", NULL },
		{ EVOLUTION "&emailmd5=" DIGITS "%00", NULL },
		{ EVOLUTION "&emailmd5=2960", NULL },
		{ EVOLUTION "&emailmd5=%27%20OR%201=1%20--%20%20%20%20%20%20%20%20%20%20%20%20",
		  NULL },
		{ EVOLUTION "&emailmd5=" DIGITS "&emailmd5=" DIGITS, NULL },
		{ EVOLUTION "&emailmd5=" DIGITS "&EmailMD5=", NULL },
		{ PATH "?emailmd5=" DIGITS, NULL },
		{ PATH "?emailaddress=fred@example.org&emailmd5=" DIGITS, NULL },
		{ PATH "?emailaddress=EVOLUTIONUSER&emailmd5=" DIGITS, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const struct request request = {
			.method = "GET",
			.target = rows[i].target,
			.host = HOST,
		};
		struct question question = autoconfig_parse(&memory, &request);
		const struct md5 *md5 = question.query.md5;

		check_text(rows[i].target, md5 ? md5_text(&memory, md5) : NULL, rows[i].md5);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_md5),
	};

	return cmocka_run_group_tests_name("autoconfig", tests, NULL, NULL);
}
