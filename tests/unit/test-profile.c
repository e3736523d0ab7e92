#include <string.h>

#include "mail/profile.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define NAME_248 A60 "." A60 "." A60 "." A60 ".aaaa"

static const struct service imaps = {
	.kind = SERVICE_IMAP,
	.security = SECURITY_TLS,
	.host = "imap.example.org",
	.port = 993,
	.authentications = { AUTHENTICATION_OAUTH2, AUTHENTICATION_PASSWORD_CLEARTEXT },
	.n_authentications = 2,
};

static struct provider provider_with(const struct service *services, size_t count)
{
	struct provider provider = PROVIDER_DEFAULT;

	provider.name = "corp";
	provider.services = services;
	provider.n_services = count;
	return provider;
}

/* The question about the address, or about example.org where it is NULL. */
static struct query query_about(struct arena *memory, const char *typed)
{
	struct address *address = arena_new(memory, struct address);
	struct error err;

	if (!typed)
		return (struct query){ .domain = "example.org" };
	if (address_parse(memory, typed, address, &err) < 0)
		fail_msg("%s", err.text);
	return (struct query){ .address = address, .domain = address->domain };
}

static void test_login(void **state)
{
	static const struct {
		const char *typed;
		const char *pattern; /* of the provider; NULL: the default */
		enum login_case login_case;
		const char *delimiter; /* NULL: the default */
		const char *row;       /* the login of the user's row, or NULL */
		const char *service;   /* the service's own pattern, or NULL */
		const char *login, *template;
	} rows[] = {
		/* The default: the address, in lower case, without its tag. */
		{ "fred@example.org", .login = "fred@example.org", .template = "%EMAILADDRESS%" },
		{ "Fred@Example.ORG", .login = "fred@example.org", .template = "fred@example.org" },
		{ "fred+news@example.org", .login = "fred@example.org",
		  .template = "fred@example.org" },
		{ "fred-news@example.org", .login = "fred-news@example.org",
		  .template = "%EMAILADDRESS%" },
		{ "fred-news@example.org", .delimiter = "+-", .login = "fred@example.org",
		  .template = "fred@example.org" },
		{ "fred+news@example.org", .delimiter = "", .login = "fred+news@example.org",
		  .template = "%EMAILADDRESS%" },
		{ "fred@b\303\274cher.example", .login = "fred@xn--bcher-kva.example",
		  .template = "fred@xn--bcher-kva.example" },
		{ "J\303\274rgen@example.org", .login = "j\303\274rgen@example.org",
		  .template = "j\303\274rgen@example.org" },

		/* The letter case kept: a client comes to the same. */
		{ "Fred@example.org", .login_case = LOGIN_CASE_KEEP, .login = "Fred@example.org",
		  .template = "%EMAILADDRESS%" },
		{ "Fred@Example.ORG", .login_case = LOGIN_CASE_KEEP, .login = "Fred@example.org",
		  .template = "Fred@example.org" },
		{ "Fred+News@example.org", .login_case = LOGIN_CASE_KEEP,
		  .login = "Fred@example.org", .template = "Fred@example.org" },

		/* The local part, as a placeholder even where it looks like a number. */
		{ "fred@example.org", "%EMAILLOCALPART%", .login = "fred",
		  .template = "%EMAILLOCALPART%" },
		{ "007@example.org", "%EMAILLOCALPART%", .login = "007",
		  .template = "%EMAILLOCALPART%" },
		{ "Fred@example.org", "%EMAILLOCALPART%", .login = "fred", .template = "fred" },
		{ "Fred@example.org", "%EMAILLOCALPART%", LOGIN_CASE_KEEP, .login = "Fred",
		  .template = "%EMAILLOCALPART%" },
		{ "fred+news@example.org", "%EMAILLOCALPART%", .login = "fred",
		  .template = "fred" },
		{ "fred@example.org", "%EMAILDOMAIN%\\%EMAILLOCALPART%",
		  .login = "example.org\\fred", .template = "example.org\\fred" },
		{ "fred@example.org", "%EMAILDOMAIN%", .login = "example.org",
		  .template = "example.org" },
		{ "fred@example.org", "postmaster", .login = "postmaster",
		  .template = "postmaster" },
		{ "%EMAILDOMAIN%@example.org", "%EMAILLOCALPART%", LOGIN_CASE_KEEP,
		  .login = "%EMAILDOMAIN%", .template = "%EMAILLOCALPART%" },

		/* A row is taken literally, whatever the provider says. */
		{ "First.Last@example.org", .row = "a4711", .login = "a4711", .template = "a4711" },
		{ "fred@example.org", .row = "A4711", .login = "A4711", .template = "A4711" },
		{ "fred@example.org", .row = "UNI\\Fred", .login = "UNI\\Fred",
		  .template = "UNI\\Fred" },
		{ "fred@example.org", "%EMAILLOCALPART%", .row = "fred@example.org",
		  .login = "fred@example.org", .template = "%EMAILADDRESS%" },
		{ "fred+news@example.org", .row = "fred+box", .login = "fred+box",
		  .template = "fred+box" },
		{ "007@example.org", .row = "007", .login = "007", .template = "%EMAILLOCALPART%" },

		/* A service's own pattern. */
		{ "fred@example.org", .service = "UNI\\%LOGIN%", .login = "UNI\\fred@example.org",
		  .template = "UNI\\fred@example.org" },
		{ "fred@example.org", .row = "a4711", .service = "UNI\\%LOGIN%",
		  .login = "UNI\\a4711", .template = "UNI\\a4711" },
		{ "fred@example.org", .row = "a4711", .service = "%LOGIN%", .login = "a4711",
		  .template = "a4711" },
		{ "fred@example.org", .row = "a4711", .service = "%EMAILLOCALPART%",
		  .login = "fred", .template = "%EMAILLOCALPART%" },
		{ "Fred+x@example.org", "%EMAILLOCALPART%", .service = "%LOGIN%/%EMAILADDRESS%",
		  .login = "fred/fred@example.org", .template = "fred/fred@example.org" },
		{ "fred@example.org", .row = "%EMAILADDRESS%x", .service = "A\\%LOGIN%",
		  .login = "A\\%EMAILADDRESS%x", .template = "A\\%EMAILADDRESS%x" },

		/* Without an address clients get the pattern, and nobody's name. */
		{ NULL, .template = "%EMAILADDRESS%" },
		{ NULL, "%EMAILLOCALPART%", .template = "%EMAILLOCALPART%" },
		{ NULL, "%EMAILDOMAIN%\\%EMAILLOCALPART%",
		  .template = "%EMAILDOMAIN%\\%EMAILLOCALPART%" },
		{ NULL, "%EMAILLOCALPART%", .service = "UNI\\%LOGIN%",
		  .template = "UNI\\%EMAILLOCALPART%" },
		{ NULL, "%EMAILLOCALPART%", .service = "%EMAILADDRESS%",
		  .template = "%EMAILADDRESS%" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *row = arena_printf(&memory, "row %zu, %s", i,
					       rows[i].typed ? rows[i].typed : "no address");
		struct query query = query_about(&memory, rows[i].typed);
		struct service service = imaps;
		struct provider provider = provider_with(&service, 1);
		struct match match = { .domain = query.domain, .has_user = rows[i].row };
		struct profile profile;
		struct error err;

		service.login = rows[i].service;
		if (rows[i].pattern)
			provider.login = rows[i].pattern;
		if (rows[i].delimiter)
			provider.recipient_delimiter = rows[i].delimiter;
		provider.login_case = rows[i].login_case;
		match.provider = provider;
		match.user.login = rows[i].row;

		if (profile_build(&memory, &query, &match, &profile, &err) < 0)
			fail_msg("%s: %s", row, err.text);
		check_text(row, profile.endpoints[0].login, rows[i].login);
		check_text(row, profile.endpoints[0].login_template, rows[i].template);
	}
}

static void test_hosts(void **state)
{
	static const struct {
		const char *domain, *host, *path;
		unsigned port;
		const char *wanted, *url; /* wanted NULL: refused */
	} rows[] = {
		{ "example.org", "imap.example.net", NULL, 993, "imap.example.net", NULL },
		{ "example.org", "%EMAILDOMAIN%", NULL, 993, "example.org", NULL },
		{ "example.org", "mail.%EMAILDOMAIN%", NULL, 993, "mail.example.org", NULL },
		{ "xn--bcher-kva.example", "%EMAILDOMAIN%.mx.example.net", NULL, 993,
		  "xn--bcher-kva.example.mx.example.net", NULL },
		{ "example.org", "sync.%EMAILDOMAIN%", "/a?b", 443, "sync.example.org",
		  "https://sync.example.org/a?b" },
		{ "example.org", "sync.%EMAILDOMAIN%", "/a", 8443, "sync.example.org",
		  "https://sync.example.org:8443/a" },
		{ NAME_248, "mail.%EMAILDOMAIN%", NULL, 993, "mail." NAME_248, NULL },
		{ NAME_248 "a", "mail.%EMAILDOMAIN%", NULL, 993, NULL, NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct query query = { .domain = rows[i].domain };
		struct service service = imaps;
		struct match match = { .domain = rows[i].domain };
		struct profile profile;
		struct error err = { 0 };
		int r;

		service.host = rows[i].host;
		service.path = rows[i].path;
		service.port = (uint16_t)rows[i].port;
		match.provider = provider_with(&service, 1);
		r = profile_build(&memory, &query, &match, &profile, &err);
		check_number(rows[i].host, r, rows[i].wanted ? 0 : -1);
		if (r < 0) {
			check_error(rows[i].host, &err, ERROR_DATA,
				    "provider 'corp': 'mail.%EMAILDOMAIN%' is not a host name for");
			continue;
		}
		check_text(rows[i].host, profile.endpoints[0].host, rows[i].wanted);
		check_text(rows[i].host, profile.endpoints[0].url, rows[i].url);
		check_number(rows[i].host, profile.endpoints[0].port, rows[i].port);
	}
}

/* The Host's provider answers for an address that is not served here (Thunderbird's MX step): its
 * hosts are the provider's, the login is the person's. */
static void test_answer_for_a_foreign_address(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct query query = query_about(&memory, "fred@customer.example");
	struct service service = imaps;
	struct match match = { .domain = "example.org", .is_host = true };
	struct profile profile;
	struct error err;

	service.host = "imap.%EMAILDOMAIN%";
	match.provider = provider_with(&service, 1);
	assert_int_equal(profile_build(&memory, &query, &match, &profile, &err), 0);
	assert_string_equal(profile.domain, "example.org");
	assert_string_equal(profile.endpoints[0].host, "imap.example.org");
	assert_string_equal(profile.endpoints[0].login, "fred@customer.example");
}

static void test_names(void **state)
{
	static const struct {
		const char *display_name, *short_name; /* of the provider */
		bool show_names, has_user;
		const char *name; /* of the user */
		const char *display_wanted, *person_wanted;
	} rows[] = {
		{ "Corp Mail", "Corp", false, true, "Fred Foo", "Corp Mail", NULL },
		{ "Corp Mail", NULL, true, true, "Fred Foo", "Corp Mail", "Fred Foo" },
		{ NULL, NULL, true, true, NULL, "example.org", NULL },
		{ NULL, NULL, true, false, "of nobody", "example.org", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *row = arena_printf(&memory, "row %zu", i);
		struct query query = query_about(&memory, "fred@example.org");
		struct match match = {
			.domain = "example.org",
			.provider = provider_with(&imaps, 1),
			.has_user = rows[i].has_user,
			.user = { .login = "a4711", .name = rows[i].name },
		};
		struct profile profile;
		struct error err;

		match.provider.display_name = rows[i].display_name;
		match.provider.short_name = rows[i].short_name;
		match.provider.show_names = rows[i].show_names;
		assert_int_equal(profile_build(&memory, &query, &match, &profile, &err), 0);
		check_text(row, profile.domain, "example.org");
		check_text(row, profile.display_name, rows[i].display_wanted);
		check_text(row, profile.short_name, rows[i].short_name);
		check_text(row, profile.person, rows[i].person_wanted);
		check_text(row, profile.address->typed, "fred@example.org");
	}
}

static void test_services_in_order(void **state)
{
	static const struct service services[] = {
		{ .kind = SERVICE_IMAP,
		  .security = SECURITY_TLS,
		  .host = "a.example",
		  .port = 993,
		  .authentications = { AUTHENTICATION_OAUTH2, AUTHENTICATION_GSSAPI },
		  .n_authentications = 2 },
		{ .kind = SERVICE_IMAP,
		  .security = SECURITY_STARTTLS,
		  .host = "b.example",
		  .port = 143,
		  .login = "UNI\\%LOGIN%",
		  .n_authentications = 1 },
		{ .kind = SERVICE_SUBMISSION,
		  .security = SECURITY_TLS,
		  .host = "c.example",
		  .port = 465,
		  .n_authentications = 1 },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct query query = query_about(&memory, "fred@example.org");
	struct match match = {
		.domain = "example.org",
		.provider = provider_with(services, 3),
	};
	struct profile profile;
	struct error err;

	assert_int_equal(profile_build(&memory, &query, &match, &profile, &err), 0);
	assert_int_equal(profile.n_endpoints, 3);
	for (size_t i = 0; i < 3; i++) {
		check_text(services[i].host, profile.endpoints[i].host, services[i].host);
		check_number(services[i].host, profile.endpoints[i].kind, services[i].kind);
		check_number(services[i].host, profile.endpoints[i].security, services[i].security);
	}
	/* One service's own pattern leaves the others alone. */
	assert_string_equal(profile.endpoints[1].login, "UNI\\fred@example.org");
	assert_string_equal(profile.endpoints[2].login, "fred@example.org");
	assert_int_equal(profile.endpoints[0].n_authentications, 2);
	assert_int_equal(profile.endpoints[0].authentications[0], AUTHENTICATION_OAUTH2);
	assert_int_equal(profile.endpoints[0].authentications[1], AUTHENTICATION_GSSAPI);

	assert_string_equal(profile_first(&profile, SERVICE_IMAP)->host, "a.example");
	assert_string_equal(profile_first(&profile, SERVICE_SUBMISSION)->host, "c.example");
	assert_null(profile_first(&profile, SERVICE_POP3));
}

static void test_provider_without_services(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct query query = { .domain = "example.org" };
	struct match match = { .domain = "example.org", .provider = provider_with(NULL, 0) };
	struct profile profile;
	struct error err = { 0 };

	assert_int_equal(profile_build(&memory, &query, &match, &profile, &err), -1);
	check_error("no services", &err, ERROR_DATA, "provider 'corp' has no services");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_answer_for_a_foreign_address),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_services_in_order),
		cmocka_unit_test(test_provider_without_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
