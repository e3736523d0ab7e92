#include "protocol/request.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"
#define NAME_253 A63 "." A63 "." A63 "." A60 "a"

static void test_path(void **state)
{
	static const struct {
		const char *target, *path;
	} rows[] = {
		{ "/", "/" },
		{ "/mail/config-v1.1.xml", "/mail/config-v1.1.xml" },
		{ "/mail/config-v1.1.xml?emailaddress=x", "/mail/config-v1.1.xml" },
		{ "/a?b?c", "/a" },
		{ "/a#b?c", "/a" },
		{ "/a%3Fb?c", "/a?b" },
		{ "/a%23b", "/a#b" },
		{ "/%6d%61%69%6C", "/mail" },
		{ "/a+b", "/a+b" },
		{ "/a%2fb", "/a/b" },
		{ "/a%2e%2E/b", "/a../b" },
		{ "/a?%", "/a" },
		{ "?a", "" },
		{ "", "" },
		{ "*", "*" },
		{ "https://example.org/a?b", "/a" },
		{ "HTTP://example.org", "/" },
		{ "ftp://example.org/a", "ftp://example.org/a" },
		{ "/%C3%BC", "/\303\274" },
		{ "/%ff", "/\377" },

		/* Decoded once: what comes out is a percent sign, not a slash. */
		{ "/a%252fb", "/a%2fb" },

		{ "/a%", NULL },
		{ "/a%4", NULL },
		{ "/a%4?1", NULL },
		{ "/a%zz", NULL },
		{ "/a%4g", NULL },
		{ "/a% 41", NULL },
		{ "/a%-1", NULL },
		{ "/a%+1", NULL },
		{ "/a%00", NULL },
		{ "/a%00b", NULL },
		{ "/%u0041", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct request request = { .target = rows[i].target };

		check_text(rows[i].target, request_path(&memory, &request), rows[i].path);
	}
}

static void test_argument(void **state)
{
	static const struct {
		const char *target, *value;
	} rows[] = {
		{ "/a?emailaddress=fred@example.org", "fred@example.org" },
		{ "/a?emailaddress=fred%40example%2Eorg", "fred@example.org" },
		{ "/a?emailaddress=fred+news@example.org", "fred+news@example.org" },
		{ "/a?emailaddress=fred%2bnews@example.org", "fred+news@example.org" },
		{ "/a?emailaddress=fred%20x", "fred x" },
		{ "/a?emailaddress=b%C3%BCcher", "b\303\274cher" },
		{ "/a?emailaddress=%2540", "%40" },
		{ "/a?emailaddress=", "" },
		{ "/a?emailaddress=&email=x", "" },
		{ "/a?email=x", "x" },
		{ "/a?emailAddress=x", "x" },
		{ "/a?EMAIL=x", "x" },
		{ "/a?%65mail=x", "x" },
		{ "/a?email=x=y", "x=y" },
		{ "/a?email==", "=" },
		{ "/a?email=x?y", "x?y" },
		{ "/a?x=1&email=x", "x" },
		{ "/a?&&email=x", "x" },
		{ "/a?email=x&", "x" },
		{ "/a?&=&email=x", "x" },
		{ "/a?email=x#email=y", "x" },
		{ "?email=x", "x" },

		/* The first of several, whichever name it has. */
		{ "/a?email=x&email=y", "x" },
		{ "/a?email=x&emailaddress=y", "x" },
		{ "/a?email=%zz&email=y", NULL },

		/* An argument has '=', and other names do not count. */
		{ "/a?email", NULL },
		{ "/a?email&email=x", "x" },
		{ "/a?emai=x", NULL },
		{ "/a?emailx=x", NULL },
		{ "/a?email%20=x", NULL },
		{ "/a?xemail=x", NULL },
		{ "/a?emailaddress%3Dx", NULL },
		{ "/a?%=1&email=x", "x" },
		{ "/a?x;email=y", NULL },
		{ "/a??email=x", NULL },
		{ "/a?x?email=x", NULL },
		{ "/a?x#&email=y", NULL },
		{ "/a#?email=x", NULL },
		{ "/a&email=x", NULL },
		{ "/a?", NULL },
		{ "/a", NULL },
		{ "", NULL },

		{ "/a?email=%", NULL },
		{ "/a?email=%4", NULL },
		{ "/a?email=%4&email=x", NULL },
		{ "/a?email=x%00", NULL },
		{ "/a?email=%00", NULL },
		{ "/a?email=%4%31", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct request request = { .target = rows[i].target };

		check_text(rows[i].target,
			   request_argument(&memory, &request, "emailaddress", "email"),
			   rows[i].value);
	}
}

static void test_only_argument(void **state)
{
	static const struct {
		const char *target, *value;
	} rows[] = {
		{ "/?md5=a", "a" },
		{ "/?x=y&MD5=%61&z", "a" },
		{ "/?md5=", "" },
		{ "/", NULL },
		{ "/?md5", NULL },
		{ "/?x=md5", NULL },
		{ "/?md5=%", NULL },
		{ "/?md5=a&md5=a", NULL },
		{ "/?md5=a&x&Md5=b", NULL },
		{ "/?md5=a&md5", NULL },
		{ "/?md5&md5=a", NULL },
		{ "/?md5=a&%6dd5=b", NULL },
		{ "/?md5=a&md5=b&md5=c", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct request request = { .target = rows[i].target };

		check_text(rows[i].target, request_only_argument(&memory, &request, "md5"),
			   rows[i].value);
	}
}

static void test_host(void **state)
{
	static const struct {
		const char *host, *name;
	} rows[] = {
		{ "autoconfig.example.org", "autoconfig.example.org" },
		{ "Autoconfig.Example.ORG", "autoconfig.example.org" },
		{ "example.org:443", "example.org" },
		{ "example.org:", "example.org" },
		{ "example.org:junk", "example.org" },
		{ "example.org.", "example.org" },
		{ "example.org.:8443", "example.org" },
		{ "b\303\274cher.example", "xn--bcher-kva.example" },
		{ "B\303\234CHER.example:443", "xn--bcher-kva.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "localhost", "localhost" },
		{ NAME_253, NAME_253 },

		{ NULL, NULL },
		{ "", NULL },
		{ ".", NULL },
		{ ":443", NULL },
		{ "192.0.2.1", NULL },
		{ "192.0.2.1:443", NULL },
		{ "[2001:db8::1]", NULL },
		{ "[2001:db8::1]:443", NULL },
		{ "2001:db8::1", NULL },
		{ "[example.org]", NULL },
		{ "example.org..", NULL },
		{ ".example.org", NULL },
		{ "a..example.org", NULL },
		{ "a_b.example.org", NULL },
		{ "*.example.org", NULL },
		{ "-a.example.org", NULL },
		{ " example.org", NULL },
		{ "example.org ", NULL },
		{ "example.org, example.net", NULL },
		{ "example.org/x", NULL },
		{ "fred@example.org", NULL },
		{ "example.org%00", NULL },
		{ "example.org\001", NULL },
		{ "b\374cher.example", NULL },
		{ "<b>.example", NULL },
		{ A63 "a.example", NULL },
		{ NAME_253 "a", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct request request = { .target = "/", .host = rows[i].host };

		check_text(rows[i].host ? rows[i].host : "no Host", request_host(&memory, &request),
			   rows[i].name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_argument),
		cmocka_unit_test(test_only_argument),
		cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
