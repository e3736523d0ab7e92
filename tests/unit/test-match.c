/* Which rows answer a question: the rules that store/match.c opens with, as tables. */

#include <string.h>

#include "mail/profile.h"
#include "store/store.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define LINES_MAX 12

struct question {
	const char *what;
	const char *lines[LINES_MAX];
	const char *address; /* or NULL */
	const char *domain;  /* where there is no address */
	const char *host;
	bool host_may_answer;

	const char *row;      /* the domain row that decides; NULL: not found */
	const char *answered; /* the domain that is answered for; NULL: the one asked for */
	const char *provider; /* NULL: "corp" */
	const char *user;     /* the row of the user; NULL: none */
	const char *login;    /* NULL: the default pattern's, which is not looked at */
};

/* Every question gets a database of its own, filled with its lines. */
static void ask(const struct question *question)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	char *directory = directory_new();
	struct query query = {
		.domain = question->domain,
		.host = question->host,
		.host_may_answer = question->host_may_answer,
	};
	const char *what = question->what;
	struct address address;
	struct match match = { 0 };
	struct error err = { 0 };
	int r;

	if (store_open(directory_path(&memory, directory, "test.db"), STORE_WRITE, &store, &err) !=
	    0)
		fail_msg("%s: %s", what, err.text);
	store_fill(store, question->lines);
	if (question->address) {
		if (address_parse(&memory, question->address, &address, &err) < 0)
			fail_msg("%s: %s", what, err.text);
		query.address = &address;
		query.domain = address.domain;
	}
	r = store_match(store, &memory, &query, &match, &err);
	store_release(store);
	if (r < 0)
		fail_msg("%s: %s", what, err.text);
	check_number(what, r, question->row ? 0 : STORE_NOT_FOUND);
	if (question->row) {
		check_text(what, match.row, question->row);
		check_text(what, match.domain,
			   question->answered ? question->answered : query.domain);
		check_text(what, match.provider.name,
			   question->provider ? question->provider : "corp");
		check_number(what, match.has_user, question->user != NULL);
		if (question->user)
			check_text(what, match.user.address, question->user);
		if (question->login)
			check_text(what, login_of(&memory, &address, &match), question->login);
	}
	directory_free(directory);
}

static void ask_all(const struct question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ask(&questions[i]);
}

#define ASK_ALL(questions) ask_all((questions), sizeof(questions) / sizeof(*(questions)))

/* Three domains at three depths, and one that takes all the rest of example.org. */
#define DEPTHS                                                                       \
	"provider corp", "provider near", "provider far", "domain example.org corp", \
		"domain *.example.org far", "domain *.dept.example.org near",        \
		"domain mail.dept.example.org corp"

static void test_address_decides(void **state)
{
	static const struct question questions[] = {
		{ "nothing is served", { NULL }, .address = "fred@example.org" },
		{ "exactly", { DEPTHS }, .address = "fred@example.org", .row = "example.org" },
		{ "whatever the letter case",
		  { DEPTHS },
		  .address = "fred@Example.ORG.",
		  .row = "example.org" },
		{ "exact before pattern",
		  { DEPTHS },
		  .address = "fred@mail.dept.example.org",
		  .row = "mail.dept.example.org" },
		{ "nearest pattern first",
		  { DEPTHS },
		  .address = "fred@x.dept.example.org",
		  .row = "*.dept.example.org",
		  .provider = "near" },
		{ "any depth",
		  { DEPTHS },
		  .address = "fred@a.b.c.dept.example.org",
		  .row = "*.dept.example.org",
		  .provider = "near" },
		{ "the parent of a pattern is not of it",
		  { DEPTHS },
		  .address = "fred@dept.example.org",
		  .row = "*.example.org",
		  .provider = "far" },
		{ "nor where nothing else is there",
		  { "provider corp", "domain *.example.org corp" },
		  .address = "fred@example.org" },
		{ "a pattern ends at a dot",
		  { "provider corp", "domain *.example.org corp" },
		  .address = "fred@myexample.org" },
		{ "a pattern of a whole top-level domain",
		  { "provider corp", "domain *.example corp" },
		  .address = "fred@a.b.example",
		  .row = "*.example" },
		{ "an exact row takes no subdomain",
		  { "provider corp", "domain example.org corp" },
		  .address = "fred@sub.example.org" },
		{ "the address, not the host",
		  { "provider corp", "provider other", "domain example.org corp",
		    "domain host.example other" },
		  .address = "fred@example.org",
		  .host = "autoconfig.host.example",
		  .host_may_answer = true,
		  .row = "example.org" },
		{ "A-labels",
		  { "provider corp", "domain xn--bcher-kva.example corp" },
		  .address = "fred@b\303\274cher.example",
		  .row = "xn--bcher-kva.example" },
		{ "a domain named without an address decides as well",
		  { "provider corp", "provider other", "domain example.org corp",
		    "domain host.example other" },
		  .domain = "example.org",
		  .host = "host.example",
		  .row = "example.org" },
		{ "and does not fall back to the host by itself",
		  { "provider corp", "domain host.example corp" },
		  .domain = "example.org",
		  .host = "host.example" },
	};

	ASK_ALL(questions);
}

static void test_star(void **state)
{
	static const struct question questions[] = {
		{ "where host and address domain agree",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org",
		  .host = "example.org",
		  .row = "*" },
		{ "the host under autoconfig",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org",
		  .host = "autoconfig.example.org",
		  .row = "*" },
		{ "under autodiscover",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org",
		  .host = "autodiscover.example.org",
		  .row = "*" },
		{ "under ua-auto-config",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org",
		  .host = "ua-auto-config.example.org",
		  .row = "*" },
		{ "an address of the prefixed name itself",
		  { "provider corp", "domain * corp" },
		  .address = "fred@autoconfig.example.org",
		  .host = "autoconfig.example.org",
		  .row = "*" },
		{ "not under another name",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org",
		  .host = "mail.example.org" },
		{ "not under another's name",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org",
		  .host = "autodiscover.example.net" },
		{ "not for a subdomain of the host",
		  { "provider corp", "domain * corp" },
		  .address = "fred@sub.example.org",
		  .host = "autoconfig.example.org" },
		{ "nor as the host's",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org",
		  .host = "autoconfig.example.net",
		  .host_may_answer = true },
		{ "not where no host is known",
		  { "provider corp", "domain * corp" },
		  .address = "fred@example.org" },
		{ "where the host alone is asked",
		  { "provider corp", "domain * corp" },
		  .host = "autoconfig.example.org",
		  .row = "*",
		  .answered = "example.org" },
		{ "after every other pattern",
		  { "provider corp", "provider other", "domain * other",
		    "domain *.example.org corp" },
		  .address = "fred@a.example.org",
		  .host = "autoconfig.a.example.org",
		  .row = "*.example.org" },
		{ "of one label",
		  { "provider corp", "domain * corp" },
		  .address = "fred@localhost",
		  .host = "localhost",
		  .row = "*" },
	};

	ASK_ALL(questions);
}

static void test_host_decides(void **state)
{
	static const struct question questions[] = {
		{ "stripped of autoconfig",
		  { "provider corp", "domain example.org corp" },
		  .host = "autoconfig.example.org",
		  .row = "example.org",
		  .answered = "example.org" },
		{ "of autodiscover",
		  { "provider corp", "domain example.org corp" },
		  .host = "autodiscover.example.org",
		  .row = "example.org",
		  .answered = "example.org" },
		{ "of ua-auto-config",
		  { "provider corp", "domain example.org corp" },
		  .host = "ua-auto-config.example.org",
		  .row = "example.org",
		  .answered = "example.org" },
		{ "bare",
		  { "provider corp", "domain example.org corp" },
		  .host = "example.org",
		  .row = "example.org",
		  .answered = "example.org" },
		{ "no other prefix is stripped",
		  { "provider corp", "domain example.org corp" },
		  .host = "mail.example.org" },
		{ "only one prefix is stripped",
		  { "provider corp", "domain example.org corp" },
		  .host = "autoconfig.autoconfig.example.org" },
		{ "stripped before bare",
		  { "provider corp", "provider other", "domain example.org corp",
		    "domain autoconfig.example.org other" },
		  .host = "autoconfig.example.org",
		  .row = "example.org",
		  .answered = "example.org" },
		{ "bare after stripped",
		  { "provider corp", "domain autoconfig.example.org corp" },
		  .host = "autoconfig.example.org",
		  .row = "autoconfig.example.org",
		  .answered = "autoconfig.example.org" },
		{ "bare after stripped is exact",
		  { "provider corp", "domain *.example.org corp" },
		  .host = "autoconfig.example.org" },
		{ "stripped may be of a pattern",
		  { "provider corp", "domain *.example.org corp" },
		  .host = "autoconfig.a.example.org",
		  .row = "*.example.org",
		  .answered = "a.example.org" },
		{ "so may a bare host with nothing to strip",
		  { "provider corp", "domain *.example.org corp" },
		  .host = "a.example.org",
		  .row = "*.example.org",
		  .answered = "a.example.org" },
		{ "neither address nor host", { "provider corp", "domain * corp" } },
	};

	ASK_ALL(questions);
}

static void test_host_answers_for_others(void **state)
{
	static const struct question questions[] = {
		{ "where the document allows it",
		  { "provider corp", "domain host.example corp" },
		  .address = "fred@customer.example",
		  .host = "autoconfig.host.example",
		  .host_may_answer = true,
		  .row = "host.example",
		  .answered = "host.example",
		  .login = "fred@customer.example" },
		{ "not where it does not",
		  { "provider corp", "domain host.example corp" },
		  .address = "fred@customer.example",
		  .host = "autoconfig.host.example" },
		{ "not where the provider does not",
		  { "provider corp mx=no", "domain host.example corp" },
		  .address = "fred@customer.example",
		  .host = "autoconfig.host.example",
		  .host_may_answer = true },
		{ "mx=no is nothing to an own domain",
		  { "provider corp mx=no", "domain host.example corp" },
		  .address = "fred@host.example",
		  .host = "autoconfig.host.example",
		  .host_may_answer = true,
		  .row = "host.example" },
		{ "nor to a question without an address",
		  { "provider corp mx=no", "domain host.example corp" },
		  .host = "autoconfig.host.example",
		  .host_may_answer = true,
		  .row = "host.example",
		  .answered = "host.example" },
		{ "by a pattern",
		  { "provider corp", "domain *.host.example corp" },
		  .address = "fred@customer.example",
		  .host = "autoconfig.mx.host.example",
		  .host_may_answer = true,
		  .row = "*.host.example",
		  .answered = "mx.host.example" },
		{ "by an alias",
		  { "provider corp", "domain host.example corp",
		    "domain alias.example =host.example" },
		  .address = "fred@customer.example",
		  .host = "alias.example",
		  .host_may_answer = true,
		  .row = "alias.example",
		  .answered = "alias.example" },
		{ "the host's users are not theirs",
		  { "provider corp", "domain host.example corp", "user @host.example all",
		    "user fred@host.example a4711" },
		  .address = "fred@customer.example",
		  .host = "host.example",
		  .host_may_answer = true,
		  .row = "host.example",
		  .answered = "host.example",
		  .login = "fred@customer.example" },
		{ "nor are those it shares with what it is an alias of",
		  { "provider corp", "domain host.example corp",
		    "domain alias.example =host.example", "user @host.example all" },
		  .address = "fred@customer.example",
		  .host = "alias.example",
		  .host_may_answer = true,
		  .row = "alias.example",
		  .answered = "alias.example",
		  .login = "fred@customer.example" },
		{ "users that a removed domain left behind are not asked",
		  { "provider corp", "domain host.example corp", "user fred@customer.example a1" },
		  .address = "fred@customer.example",
		  .host = "host.example",
		  .host_may_answer = true,
		  .row = "host.example",
		  .answered = "host.example",
		  .login = "fred@customer.example" },
		{ "a host that is not served either",
		  { "provider corp", "domain host.example corp" },
		  .address = "fred@customer.example",
		  .host = "other.example",
		  .host_may_answer = true },
	};

	ASK_ALL(questions);
}

static void test_disabled_ends_the_search(void **state)
{
	static const struct question questions[] = {
		{ "exact, though a pattern would take it",
		  { "provider corp", "domain a.example.org corp off", "domain *.example.org corp",
		    "domain * corp" },
		  .address = "fred@a.example.org",
		  .host = "a.example.org" },
		{ "exact, though the host would answer",
		  { "provider corp", "domain customer.example corp off",
		    "domain host.example corp" },
		  .address = "fred@customer.example",
		  .host = "host.example",
		  .host_may_answer = true },
		{ "pattern, though one farther up would take it",
		  { "provider corp", "domain *.dept.example.org corp off",
		    "domain *.example.org corp" },
		  .address = "fred@a.dept.example.org" },
		{ "pattern, but not over an exact row",
		  { "provider corp", "domain *.example.org corp off", "domain a.example.org corp" },
		  .address = "fred@a.example.org",
		  .row = "a.example.org" },
		{ "alias",
		  { "provider corp", "domain example.org corp",
		    "domain alias.example =example.org off", "domain host.example corp" },
		  .address = "fred@alias.example",
		  .host = "host.example",
		  .host_may_answer = true },
		{ "target of an alias",
		  { "provider corp", "domain example.org corp off",
		    "domain alias.example =example.org", "domain host.example corp" },
		  .address = "fred@alias.example",
		  .host = "host.example",
		  .host_may_answer = true },
		{ "a disabled alias leaves its target alone",
		  { "provider corp", "domain example.org corp",
		    "domain alias.example =example.org off" },
		  .address = "fred@example.org",
		  .row = "example.org" },
		{ "of the stripped host, though the bare one is there",
		  { "provider corp", "domain example.org corp off",
		    "domain autoconfig.example.org corp" },
		  .host = "autoconfig.example.org" },
		{ "of the host that would have answered",
		  { "provider corp", "domain host.example corp off" },
		  .address = "fred@customer.example",
		  .host = "host.example",
		  .host_may_answer = true },
		{ "star",
		  { "provider corp", "domain * corp off" },
		  .address = "fred@example.org",
		  .host = "example.org" },
	};

	ASK_ALL(questions);
}

static void test_user(void **state)
{
	static const struct question questions[] = {
		{ "no row: the pattern",
		  { "provider corp login=%EMAILLOCALPART%", "domain example.org corp",
		    "user jane@example.org a1" },
		  .address = "Fred+News@example.org",
		  .row = "example.org",
		  .login = "fred" },
		{ "the address",
		  { "provider corp", "domain example.org corp", "user fred@example.org A4711",
		    "user @example.org all" },
		  .address = "fred@example.org",
		  .row = "example.org",
		  .user = "fred@example.org",
		  .login = "A4711" },
		{ "without regard to case",
		  { "provider corp case=keep", "domain example.org corp",
		    "user first.last@example.org a4711" },
		  .address = "First.LAST@EXAMPLE.org",
		  .row = "example.org",
		  .user = "first.last@example.org",
		  .login = "a4711" },
		{ "with its tag before without",
		  { "provider corp", "domain example.org corp", "user fred@example.org a1",
		    "user fred+news@example.org a2", "user @example.org all" },
		  .address = "Fred+News@example.org",
		  .row = "example.org",
		  .user = "fred+news@example.org",
		  .login = "a2" },
		{ "without its tag before the catch-all",
		  { "provider corp", "domain example.org corp", "user @example.org all",
		    "user fred@example.org a1" },
		  .address = "fred+news@example.org",
		  .row = "example.org",
		  .user = "fred@example.org",
		  .login = "a1" },
		{ "a tag of two parts goes at once",
		  { "provider corp", "domain example.org corp", "user fred+a@example.org a1",
		    "user @example.org all" },
		  .address = "fred+a+b@example.org",
		  .row = "example.org",
		  .user = "@example.org",
		  .login = "all" },
		{ "the provider's own delimiters",
		  { "provider corp delimiter=-=", "domain example.org corp",
		    "user fred@example.org a1" },
		  .address = "fred-news@example.org",
		  .row = "example.org",
		  .user = "fred@example.org",
		  .login = "a1" },
		{ "and no others",
		  { "provider corp delimiter=-", "domain example.org corp",
		    "user fred@example.org a1" },
		  .address = "fred+news@example.org",
		  .row = "example.org",
		  .login = "fred+news@example.org" },
		{ "no delimiter",
		  { "provider corp delimiter=", "domain example.org corp",
		    "user fred@example.org a1" },
		  .address = "fred+news@example.org",
		  .row = "example.org",
		  .login = "fred+news@example.org" },
		{ "a local part that is all tag",
		  { "provider corp", "domain example.org corp", "user @example.org all" },
		  .address = "+news@example.org",
		  .row = "example.org",
		  .user = "@example.org",
		  .login = "all" },
		{ "the catch-all",
		  { "provider corp", "domain example.org corp", "user @example.org all" },
		  .address = "fred@example.org",
		  .row = "example.org",
		  .user = "@example.org",
		  .login = "all" },
		{ "users of another domain are others",
		  { "provider corp", "domain example.org corp", "domain example.net corp",
		    "user fred@example.net a1", "user @example.net all" },
		  .address = "fred@example.org",
		  .row = "example.org",
		  .login = "fred@example.org" },
		{ "under a pattern: users of the very domain",
		  { "provider corp", "domain *.example.org corp", "user fred@a.example.org a1",
		    "user fred@example.org a2" },
		  .address = "fred@a.example.org",
		  .row = "*.example.org",
		  .user = "fred@a.example.org",
		  .login = "a1" },
		{ "without an address there is none",
		  { "provider corp", "domain example.org corp", "user @example.org all" },
		  .domain = "example.org",
		  .row = "example.org" },
	};

	ASK_ALL(questions);
}

static void test_alias(void **state)
{
	static const struct question questions[] = {
		{ "shares the provider",
		  { "provider corp login=%EMAILADDRESS%", "domain example.org corp",
		    "domain alias.example =example.org" },
		  .address = "fred@alias.example",
		  .row = "alias.example",
		  .login = "fred@alias.example" },
		{ "shares the users",
		  { "provider corp", "domain example.org corp", "domain alias.example =example.org",
		    "user fred@example.org a1", "user @example.org all" },
		  .address = "Fred+News@alias.example",
		  .row = "alias.example",
		  .user = "fred@example.org",
		  .login = "a1" },
		{ "its own row wins",
		  { "provider corp", "domain example.org corp", "domain alias.example =example.org",
		    "user fred@example.org a1", "user fred@alias.example a2" },
		  .address = "fred@alias.example",
		  .row = "alias.example",
		  .user = "fred@alias.example",
		  .login = "a2" },
		{ "its own row for the untagged address wins over the tagged one",
		  { "provider corp", "domain example.org corp", "domain alias.example =example.org",
		    "user fred+x@example.org a1", "user fred@alias.example a2" },
		  .address = "fred+x@alias.example",
		  .row = "alias.example",
		  .user = "fred@alias.example",
		  .login = "a2" },
		{ "its own catch-all wins",
		  { "provider corp", "domain example.org corp", "domain alias.example =example.org",
		    "user fred@example.org a1", "user @alias.example all" },
		  .address = "fred@alias.example",
		  .row = "alias.example",
		  .user = "@alias.example",
		  .login = "all" },
		{ "the target's catch-all comes last",
		  { "provider corp", "domain example.org corp", "domain alias.example =example.org",
		    "user @example.org all" },
		  .address = "fred@alias.example",
		  .row = "alias.example",
		  .user = "@example.org",
		  .login = "all" },
		{ "the target does not share the alias's users",
		  { "provider corp", "domain example.org corp", "domain alias.example =example.org",
		    "user fred@alias.example a2" },
		  .address = "fred@example.org",
		  .row = "example.org",
		  .login = "fred@example.org" },
		{ "a pattern may be one",
		  { "provider corp", "domain example.org corp", "domain *.example.org =example.org",
		    "user fred@example.org a1" },
		  .address = "fred@dept.example.org",
		  .row = "*.example.org",
		  .user = "fred@example.org",
		  .login = "a1" },
	};

	ASK_ALL(questions);
}

static void test_user_with_own_provider(void **state)
{
	static const struct question questions[] = {
		{ "answers instead of the domain's",
		  { "provider corp", "provider cloud login=%EMAILLOCALPART%",
		    "domain example.org corp", "user fred@example.org a1 provider=cloud" },
		  .address = "fred@example.org",
		  .row = "example.org",
		  .provider = "cloud",
		  .user = "fred@example.org",
		  .login = "a1" },
		{ "not for the others",
		  { "provider corp", "provider cloud", "domain example.org corp",
		    "user fred@example.org a1 provider=cloud", "user jane@example.org a2" },
		  .address = "jane@example.org",
		  .row = "example.org",
		  .user = "jane@example.org",
		  .login = "a2" },
		{ "of the target of an alias",
		  { "provider corp", "provider cloud", "domain example.org corp",
		    "domain alias.example =example.org",
		    "user fred@example.org a1 provider=cloud" },
		  .address = "fred@alias.example",
		  .row = "alias.example",
		  .provider = "cloud",
		  .user = "fred@example.org",
		  .login = "a1" },
		{ "of the catch-all",
		  { "provider corp", "provider cloud", "domain example.org corp",
		    "user @example.org all provider=cloud" },
		  .address = "fred@example.org",
		  .row = "example.org",
		  .provider = "cloud",
		  .user = "@example.org",
		  .login = "all" },
		{ "a row that wins without one keeps the domain's",
		  { "provider corp", "provider cloud", "domain example.org corp",
		    "user @example.org all provider=cloud", "user fred@example.org a1" },
		  .address = "fred@example.org",
		  .row = "example.org",
		  .user = "fred@example.org",
		  .login = "a1" },
		{ "a row of the alias without one keeps the domain's",
		  { "provider corp", "provider cloud", "domain example.org corp",
		    "domain alias.example =example.org", "user fred@alias.example a2",
		    "user fred@example.org a1 provider=cloud" },
		  .address = "fred@alias.example",
		  .row = "alias.example",
		  .user = "fred@alias.example",
		  .login = "a2" },
	};

	ASK_ALL(questions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_decides),
		cmocka_unit_test(test_star),
		cmocka_unit_test(test_host_decides),
		cmocka_unit_test(test_host_answers_for_others),
		cmocka_unit_test(test_disabled_ends_the_search),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_user_with_own_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
