#include <string.h>

#include "mail/address.h"
#include "mail/query.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"
#define A64 A60 "aaaa"

/* Names of exactly so many bytes. */
#define NAME_189 A60 "." A60 "." A60 ".aaaaaa"
#define NAME_190 A60 "." A60 "." A60 ".aaaaaaa"
#define NAME_251 A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 "aaaaaaaaa"
#define NAME_252 NAME_251 "a"
#define NAME_253 NAME_251 "aa"
#define NAME_254 NAME_251 "aaa"

static void test_accepted(void **state)
{
	static const struct {
		const char *in, *local, *domain, *key;
	} rows[] = {
		{ "fred@example.org", "fred", "example.org", "fred" },
		{ "Fred.X@Example.ORG", "Fred.X", "example.org", "fred.x" },
		{ "fred@b\303\274cher.example", "fred", "xn--bcher-kva.example", "fred" },
		{ "fred@B\303\234CHER.example", "fred", "xn--bcher-kva.example", "fred" },
		{ "fred@bu\314\210cher.example", "fred", "xn--bcher-kva.example", "fred" },
		{ "fred@XN--BCHER-KVA.example", "fred", "xn--bcher-kva.example", "fred" },
		{ "fred@b\303\274cher\343\200\202example", "fred", "xn--bcher-kva.example",
		  "fred" },
		{ "fred@fa\303\237.example", "fred", "xn--fa-hia.example", "fred" },
		{ "fred@example.org.", "fred", "example.org", "fred" },
		{ "fred@b\303\274cher.example.", "fred", "xn--bcher-kva.example", "fred" },
		{ "fred@localhost", "fred", "localhost", "fred" },
		{ "fred@1.example", "fred", "1.example", "fred" },
		{ "fred@1a", "fred", "1a", "fred" },
		{ "a@" A63 ".example", "a", A63 ".example", "a" },
		{ "a@" NAME_252, "a", NAME_252, "a" },
		{ A64 "@example.org", A64, "example.org", A64 },
		{ A64 "@" NAME_189, A64, NAME_189, A64 },
		{ "007@example.org", "007", "example.org", "007" },
		{ "First.Last+News@example.org", "First.Last+News", "example.org",
		  "first.last+news" },
		{ "a&b@example.org", "a&b", "example.org", "a&b" },
		{ "o'neil@example.org", "o'neil", "example.org", "o'neil" },
		{ "a/b=c@example.org", "a/b=c", "example.org", "a/b=c" },
		{ "a%b@example.org", "a%b", "example.org", "a%b" },
		{ "%EMAILDOMAIN%@example.org", "%EMAILDOMAIN%", "example.org", "%emaildomain%" },
		{ "!#$*-?^_`{|}~@example.org", "!#$*-?^_`{|}~", "example.org", "!#$*-?^_`{|}~" },
		/* RFC 6531; only ASCII letters are folded. */
		{ "J\303\234RGEN@example.org", "J\303\234RGEN", "example.org", "j\303\234rgen" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct address address = { 0 };
		struct error err = { 0 };

		if (address_parse(&memory, rows[i].in, &address, &err) < 0)
			fail_msg("%s: %s", rows[i].in, err.text);
		check_text(rows[i].in, address.typed, rows[i].in);
		check_text(rows[i].in, address.local, rows[i].local);
		check_text(rows[i].in, address.domain, rows[i].domain);
		check_text(rows[i].in, address.key, rows[i].key);
		check_text(rows[i].in, address.text,
			   arena_printf(&memory, "%s@%s", rows[i].local, rows[i].domain));
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *words;
	} rows[] = {
		{ "", "it has no '@'" },
		{ "fred", "'fred' is not a mail address: it has no '@'" },
		{ "example.org", "it has no '@'" },
		{ "@", "nothing stands before the '@'" },
		{ "@example.org", "nothing stands before the '@'" },
		{ A64 "a@example.org", "more than 64 bytes" },
		{ A64 "@" NAME_190, "more than 254 bytes" },
		{ "a@" NAME_253, "more than 254 bytes" },
		{ "a@" NAME_254, "not a domain name" },
		{ "a@" A64 ".example", "not a domain name" },
		{ "a@b@example.org", "needs quotes" },
		{ "a@@example.org", "needs quotes" },
		{ "\"fred\"@example.org", "needs quotes" },
		{ "\"a@b\"@example.org", "needs quotes" },
		{ "a b@example.org", "needs quotes" },
		{ " fred@example.org", "begins or ends with whitespace" },
		{ "fred@example.org ", "begins or ends with whitespace" },
		{ "fred@example.org\t", "begins or ends with whitespace" },
		{ "fred @example.org", "needs quotes" },
		{ "fr\ted@example.org", "needs quotes" },
		{ "fred\r\n@example.org", "needs quotes" },
		{ "fr\177ed@example.org", "needs quotes" },
		{ "<fred@example.org>", "needs quotes" },
		{ "Fred <fred@example.org>", "needs quotes" },
		{ "fred<@example.org", "needs quotes" },
		{ "a>b@example.org", "needs quotes" },
		{ "a,b@example.org", "needs quotes" },
		{ "a;b@example.org", "needs quotes" },
		{ "mailto:fred@example.org", "needs quotes" },
		{ "a(b)@example.org", "needs quotes" },
		{ "a[b]@example.org", "needs quotes" },
		{ "a\\b@example.org", "needs quotes" },
		{ "b\374cher@example.org", "not UTF-8" },
		{ "a\300\257@example.org", "not UTF-8" },
		{ "a\355\240\200@example.org", "not UTF-8" },
		{ "a\303@example.org", "not UTF-8" },
		/* U+0080, U+0085, U+009F, U+FFFE and U+FFFF: a document would lack them. */
		{ "\302\200x@example.org", "no document can have" },
		{ "fr\302\205ed@example.org", "no document can have" },
		{ "x\302\237@example.org", "no document can have" },
		{ "\357\277\276x@example.org", "no document can have" },
		{ "\357\277\277@example.org", "no document can have" },
		{ "fred@", "not a domain name" },
		{ "fred@.", "not a domain name" },
		{ "fred@example.org..", "not a domain name" },
		{ "fred@.example.org", "not a domain name" },
		{ "fred@example..org", "not a domain name" },
		{ "fred@b\303\274cher..example", "not a domain name" },
		{ "fred@ex_ample.org", "not a domain name" },
		{ "fred@ex ample.org", "not a domain name" },
		{ "fred@ example.org", "not a domain name" },
		{ "fred@example.org\n", "not a domain name" },
		{ "fred@-example.org", "not a domain name" },
		{ "fred@example-.org", "not a domain name" },
		{ "fred@-b\303\274cher.example", "not a domain name" },
		{ "fred@example.123", "not a domain name" },
		{ "fred@192.0.2.1", "not a domain name" },
		{ "fred@[192.0.2.1]", "not a domain name" },
		{ "fred@[IPv6:2001:db8::1]", "not a domain name" },
		{ "fred@2001:db8::1", "not a domain name" },
		{ "fred@example.org:25", "not a domain name" },
		{ "fred@example.org/x", "not a domain name" },
		{ "fred@*.example.org", "not a domain name" },
		{ "fred@%EMAILDOMAIN%", "not a domain name" },
		{ "fred@b\374cher.example", "not a domain name" },
		{ "fred@b\303.example", "not a domain name" },
		/* libidn2 would drop these and find another domain. */
		{ "fred@b\303\274 cher.example", "not a domain name" },
		{ "fred@b\303\274_cher.example", "not a domain name" },
		{ "fred@b\303\274cher.example/x", "not a domain name" },
		{ "fred@b\303\274cher.example>", "not a domain name" },
		{ "fred@%b\303\274cher.example", "not a domain name" },
		{ "fred@b\303\274cher.example\n", "not a domain name" },
		{ "fred@b\303\274cher.example\177", "not a domain name" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct address address = { .typed = "untouched" };
		struct error err = { 0 };

		check_number(rows[i].in, address_parse(&memory, rows[i].in, &address, &err), -1);
		check_error(rows[i].in, &err, ERROR_INPUT, rows[i].words);
		check_text(rows[i].in, address.typed, "untouched");
	}
}

/* What a client sent goes into the error, and from there into a log line. */
static void test_error_is_one_clean_line(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct address address;
	struct error err;

	assert_int_equal(address_parse(&memory, "x\n<3>evil\033[2J\"", &address, &err), -1);
	assert_string_equal(err.text,
			    "'x\\x0a<3>evil\\x1b[2J\"' is not a mail address: it has no '@'");
}

static void test_domains(void **state)
{
	static const struct {
		const char *in, *plain, *pattern; /* NULL: refused */
	} rows[] = {
		{ "example.org", "example.org", "example.org" },
		{ "EXAMPLE.Org.", "example.org", "example.org" },
		{ "b\303\274cher.example", "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "localhost", "localhost", "localhost" },
		{ NAME_253, NAME_253, NAME_253 },
		{ NAME_253 ".", NAME_253, NAME_253 },
		{ "*", NULL, "*" },
		{ "*.example.org", NULL, "*.example.org" },
		{ "*.B\303\234cher.Example.", NULL, "*.xn--bcher-kva.example" },
		{ "*.org", NULL, "*.org" },
		{ NAME_254, NULL, NULL },
		{ "", NULL, NULL },
		{ ".", NULL, NULL },
		{ "*.", NULL, NULL },
		{ "*..", NULL, NULL },
		{ "**", NULL, NULL },
		{ "*.*", NULL, NULL },
		{ "*.*.example.org", NULL, NULL },
		{ "*example.org", NULL, NULL },
		{ "a.*.example.org", NULL, NULL },
		{ "*.b\303\274cher_.example", NULL, NULL },
		{ "*b\303\274cher.example", NULL, NULL },
		{ "fred@example.org", NULL, NULL },
		{ "@example.org", NULL, NULL },
		{ "@b\303\274cher.example", NULL, NULL },
		{ "ex_ample.org", NULL, NULL },
		{ "_dmarc.example.org", NULL, NULL },
		{ "192.0.2.1", NULL, NULL },
		{ "::1", NULL, NULL },
		{ "[::1]", NULL, NULL },
		{ "example.org:443", NULL, NULL },
		{ " example.org", NULL, NULL },
		{ "example.org\r", NULL, NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int patterns = 0; patterns < 2; patterns++) {
			const char *wanted = patterns ? rows[i].pattern : rows[i].plain;
			struct error err = { 0 };

			check_text(rows[i].in, domain_parse(&memory, rows[i].in, patterns, &err),
				   wanted);
			if (!wanted)
				check_error(rows[i].in, &err, ERROR_INPUT, "is not a domain name");
		}
	}
	assert_true(domain_is_pattern("*"));
	assert_true(domain_is_pattern("*.example.org"));
	assert_false(domain_is_pattern("example.org"));
}

static void test_local_without_tag(void **state)
{
	static const struct {
		const char *local, *delimiters, *out;
	} rows[] = {
		{ "fred+news", "+", "fred" },
		{ "fred+news+more", "+", "fred" },
		{ "fred+", "+", "fred" },
		{ "fred", "+", "fred" },
		{ "Fred+News", "+", "Fred" },
		{ "fred-news", "+", "fred-news" },
		{ "fred-news+x", "+-", "fred" },
		{ "fred+news-x", "+-", "fred" },
		{ "fred=news", "+-=", "fred" },
		{ "fred+news", "", "fred+news" },
		{ "+news", "+", "+news" },
		{ "+", "+", "+" },
		{ "f", "+", "f" },
		{ "f+", "+", "f" },
		{ "", "+", "" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(rows[i].local,
			   local_without_tag(&memory, rows[i].local, rows[i].delimiters),
			   rows[i].out);
}

static void test_host_domains(void **state)
{
	static const struct {
		const char *host, *stripped;
	} rows[] = {
		{ "autoconfig.example.org", "example.org" },
		{ "autodiscover.example.org", "example.org" },
		{ "ua-auto-config.example.org", "example.org" },
		{ "autoconfig.autoconfig.example.org", "autoconfig.example.org" },
		{ "autoconfig.autodiscover.example.org", "autodiscover.example.org" },
		{ "autoconfig.org", "org" },
		{ "autoconfig.", NULL },
		{ "autoconfig", NULL },
		{ "example.org", NULL },
		{ "mail.autoconfig.example.org", NULL },
		{ "autoconfig2.example.org", NULL },
		{ "xautoconfig.example.org", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host_domains domains = host_domains(rows[i].host);

		check_text(rows[i].host, domains.stripped, rows[i].stripped);
		check_text(rows[i].host, domains.bare, rows[i].host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_error_is_one_clean_line),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_local_without_tag),
		cmocka_unit_test(test_host_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
