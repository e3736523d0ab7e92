#include <string.h>

#include "mail/url.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define A100                                                 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A70 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A900 A100 A100 A100 A100 A100 A100 A100 A100 A100

static void test_accepted(void **state)
{
	static const struct {
		const char *in, *out;
		enum url_use use;
	} rows[] = {
		{ "https://mail.example.org", "https://mail.example.org" },
		{ "https://mail.example.org/", "https://mail.example.org/" },
		{ "HTTPS://Mail.Example.ORG:443/Login", "https://mail.example.org/Login" },
		{ "https://mail.example.org:8443?a=%41&b",
		  "https://mail.example.org:8443?a=%41&b" },
		{ "https://b\303\274cher.example/#imap", "https://xn--bcher-kva.example/#imap" },
		{ "https://mail.example.org./a", "https://mail.example.org/a" },
		{ "http://help.example.org:80/a?b#c", "http://help.example.org/a?b#c",
		  URL_OF_PAGE },
		{ "http://help.example.org:443", "http://help.example.org:443", URL_OF_PAGE },
		{ "https://help.example.org:80", "https://help.example.org:80", URL_OF_PAGE },
		{ "https://h.example/" A900, "https://h.example/" A900 },
		/* 1000 bytes come out. */
		{ "https://b\303\274cher.example/" A900 A70,
		  "https://xn--bcher-kva.example/" A900 A70 },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };

		check_text(rows[i].in, url_parse(&memory, "page", rows[i].in, rows[i].use, &err),
			   rows[i].out);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *words;
		enum url_use use;
	} rows[] = {
		{ "", "the page '' is not a URL; write https://HOST/PATH" },
		{ "mail.example.org", "'mail.example.org' is not a URL" },
		{ "https:/mail.example.org", "is not a URL" },
		{ "ftp://mail.example.org", "is not a URL", URL_OF_PAGE },
		{ "javascript:alert(1)", "is not a URL", URL_OF_PAGE },
		{ "http://mail.example.org/", "is not encrypted; write https://HOST/PATH" },
		{ "https://", "has a host that is not a host name" },
		{ "https:///a", "has a host that is not a host name" },
		{ "https://mail_1.example/", "has a host that is not a host name" },
		{ "https://%EMAILDOMAIN%/", "has a host that is not a host name" },
		{ "https://a@mail.example/", "has a host that is not a host name" },
		{ "https://a:b@mail.example/", "has a port that is not a number" },
		{ "https://mail.example:/", "has a port that is not a number from 1 to 65535" },
		{ "https://mail.example:0/", "has a port that is not a number from 1 to 65535" },
		{ "https://mail.example:65536/", "has a port that is not a number" },
		{ "https://mail.example/a b", "has a character that must be percent-encoded" },
		{ "https://mail.example/\303\274", "has a character that must be percent-encoded" },
		{ "https://mail.example/<b>", "has a character that must be percent-encoded" },
		{ "https://mail.example/a\n", "has a character that must be percent-encoded" },
		{ "https://mail.example/#a#b", "has a character that must be percent-encoded" },
		{ "https://h.example/" A900 A100, "has more than 1000 bytes" },
		{ "https://b\303\274cher.example/" A900 A70 "a", "has more than 1000 bytes" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };

		check_text(rows[i].in, url_parse(&memory, "page", rows[i].in, rows[i].use, &err),
			   NULL);
		check_error(rows[i].in, &err, ERROR_INPUT, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
