#include <string.h>

#include "mail/service.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"
#define NAME_253 A63 "." A63 "." A63 "." A60 "a"

static void test_accepted(void **state)
{
	static const struct {
		const char *in, *url;
		enum service_kind kind;
		enum service_security security;
		const char *host;
		unsigned port;
		const char *path;
	} rows[] = {
		{ "imaps://imap.example.org", "imaps://imap.example.org", SERVICE_IMAP,
		  SECURITY_TLS, "imap.example.org", 993 },
		{ "imap+starttls://mail.example.org", "imap+starttls://mail.example.org",
		  SERVICE_IMAP, SECURITY_STARTTLS, "mail.example.org", 143 },
		{ "imap://mail.example.org", "imap://mail.example.org", SERVICE_IMAP,
		  SECURITY_PLAIN, "mail.example.org", 143 },
		{ "pop3s://mail.example.org", "pop3s://mail.example.org", SERVICE_POP3,
		  SECURITY_TLS, "mail.example.org", 995 },
		{ "pop3+starttls://mail.example.org", "pop3+starttls://mail.example.org",
		  SERVICE_POP3, SECURITY_STARTTLS, "mail.example.org", 110 },
		{ "pop3://mail.example.org", "pop3://mail.example.org", SERVICE_POP3,
		  SECURITY_PLAIN, "mail.example.org", 110 },
		{ "submissions://mail.example.org", "submissions://mail.example.org",
		  SERVICE_SUBMISSION, SECURITY_TLS, "mail.example.org", 465 },
		{ "submission+starttls://mail.example.org",
		  "submission+starttls://mail.example.org", SERVICE_SUBMISSION, SECURITY_STARTTLS,
		  "mail.example.org", 587 },
		{ "submission://mail.example.org", "submission://mail.example.org",
		  SERVICE_SUBMISSION, SECURITY_PLAIN, "mail.example.org", 587 },
		{ "smtps://mail.example.org", "submissions://mail.example.org", SERVICE_SUBMISSION,
		  SECURITY_TLS, "mail.example.org", 465 },
		{ "smtp+starttls://mail.example.org", "submission+starttls://mail.example.org",
		  SERVICE_SUBMISSION, SECURITY_STARTTLS, "mail.example.org", 587 },
		{ "managesieve+starttls://mail.example.org",
		  "managesieve+starttls://mail.example.org", SERVICE_MANAGESIEVE, SECURITY_STARTTLS,
		  "mail.example.org", 4190 },
		{ "managesieves://mail.example.org", "managesieves://mail.example.org",
		  SERVICE_MANAGESIEVE, SECURITY_TLS, "mail.example.org", 4190 },
		{ "managesieve://mail.example.org:2000/", "managesieve://mail.example.org:2000",
		  SERVICE_MANAGESIEVE, SECURITY_PLAIN, "mail.example.org", 2000 },
		{ "jmap+https://jmap.example.org/.well-known/jmap",
		  "jmap+https://jmap.example.org/.well-known/jmap", SERVICE_JMAP, SECURITY_TLS,
		  "jmap.example.org", 443, "/.well-known/jmap" },
		{ "CalDAV+HTTPS://DAV.Example.ORG:443/Cal/", "caldav+https://dav.example.org/Cal/",
		  SERVICE_CALDAV, SECURITY_TLS, "dav.example.org", 443, "/Cal/" },
		{ "carddav+https://dav.example.org:8443/", "carddav+https://dav.example.org:8443/",
		  SERVICE_CARDDAV, SECURITY_TLS, "dav.example.org", 8443, "/" },
		{ "webdav+https://%EMAILDOMAIN%/files?a=%41",
		  "webdav+https://%EMAILDOMAIN%/files?a=%41", SERVICE_WEBDAV, SECURITY_TLS,
		  "%EMAILDOMAIN%", 443, "/files?a=%41" },
		{ "activesync+https://sync.example.org/Microsoft-Server-ActiveSync",
		  "activesync+https://sync.example.org/Microsoft-Server-ActiveSync",
		  SERVICE_ACTIVESYNC, SECURITY_TLS, "sync.example.org", 443,
		  "/Microsoft-Server-ActiveSync" },
		{ "activesync+https://sync.example.org:8443/a/b?c=d&e=%20",
		  "activesync+https://sync.example.org:8443/a/b?c=d&e=%20", SERVICE_ACTIVESYNC,
		  SECURITY_TLS, "sync.example.org", 8443, "/a/b?c=d&e=%20" },
		{ "activesync+https://sync.example.org/", "activesync+https://sync.example.org/",
		  SERVICE_ACTIVESYNC, SECURITY_TLS, "sync.example.org", 443, "/" },
		{ "IMAPS://IMAP.Example.ORG.", "imaps://imap.example.org", SERVICE_IMAP,
		  SECURITY_TLS, "imap.example.org", 993 },
		{ "imaps://imap.example.org/", "imaps://imap.example.org", SERVICE_IMAP,
		  SECURITY_TLS, "imap.example.org", 993 },
		{ "imaps://imap.example.org:993", "imaps://imap.example.org", SERVICE_IMAP,
		  SECURITY_TLS, "imap.example.org", 993 },
		{ "imaps://imap.example.org:0993/", "imaps://imap.example.org", SERVICE_IMAP,
		  SECURITY_TLS, "imap.example.org", 993 },
		{ "imaps://imap.example.org:1", "imaps://imap.example.org:1", SERVICE_IMAP,
		  SECURITY_TLS, "imap.example.org", 1 },
		{ "imaps://imap.example.org:65535", "imaps://imap.example.org:65535", SERVICE_IMAP,
		  SECURITY_TLS, "imap.example.org", 65535 },
		{ "imap+starttls://imap.example.org:993", "imap+starttls://imap.example.org:993",
		  SERVICE_IMAP, SECURITY_STARTTLS, "imap.example.org", 993 },
		{ "imaps://b\303\274cher.example", "imaps://xn--bcher-kva.example", SERVICE_IMAP,
		  SECURITY_TLS, "xn--bcher-kva.example", 993 },
		{ "imaps://localhost", "imaps://localhost", SERVICE_IMAP, SECURITY_TLS, "localhost",
		  993 },
		{ "imaps://%EMAILDOMAIN%", "imaps://%EMAILDOMAIN%", SERVICE_IMAP, SECURITY_TLS,
		  "%EMAILDOMAIN%", 993 },
		{ "imaps://Mail.%EMAILDOMAIN%:10993", "imaps://mail.%EMAILDOMAIN%:10993",
		  SERVICE_IMAP, SECURITY_TLS, "mail.%EMAILDOMAIN%", 10993 },
		{ "imaps://%EMAILDOMAIN%.mx.example.org", "imaps://%EMAILDOMAIN%.mx.example.org",
		  SERVICE_IMAP, SECURITY_TLS, "%EMAILDOMAIN%.mx.example.org", 993 },
		{ "imaps://" NAME_253, "imaps://" NAME_253, SERVICE_IMAP, SECURITY_TLS, NAME_253,
		  993 },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *url = rows[i].in;

		/* As it was written, and again as the database has it. */
		for (int round = 0; round < 2; round++) {
			struct service service = { 0 };
			struct error err = { 0 };

			if (service_parse(&memory, url, &service, &err) < 0)
				fail_msg("%s: %s", url, err.text);
			check_number(url, service.kind, rows[i].kind);
			check_number(url, service.security, rows[i].security);
			check_text(url, service.host, rows[i].host);
			check_number(url, service.port, rows[i].port);
			check_text(url, service.path, rows[i].path);
			check_text(url, service.login, NULL);
			check_number(url, service.is_first, false);
			check_text(url, service_authentications(&memory, &service),
				   "password-cleartext");
			url = service_url(&memory, &service);
			check_text(rows[i].in, url, rows[i].url);
		}
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *words;
	} rows[] = {
		{ "", "write SCHEME://HOST[:PORT]" },
		{ "imap.example.org", "write SCHEME://HOST[:PORT]" },
		{ "imaps:imap.example.org", "write SCHEME://HOST[:PORT]" },
		{ "imaps:/imap.example.org", "write SCHEME://HOST[:PORT]" },
		{ "://imap.example.org", "its scheme is none of imaps imap+starttls" },
		{ "https://imap.example.org", "its scheme is none of" },
		{ "imap+tls://imap.example.org", "its scheme is none of" },
		{ "smtp://mail.example.org", "its scheme is none of" },
		{ "imaps ://imap.example.org", "its scheme is none of" },
		{ " imaps://imap.example.org", "its scheme is none of" },
		{ "activesync+http://sync.example.org/x", "its scheme is none of" },
		{ "jmap://jmap.example.org/x", "its scheme is none of" },
		{ "jmaps://jmap.example.org/x", "its scheme is none of" },
		{ "caldav://dav.example.org/x", "its scheme is none of" },
		{ "caldavs://dav.example.org/x", "its scheme is none of" },
		{ "carddav+http://dav.example.org/x", "its scheme is none of" },
		{ "webdavs://dav.example.org/x", "its scheme is none of" },
		{ "sieve://mail.example.org", "its scheme is none of" },
		{ "managesieve+tls://mail.example.org", "its scheme is none of" },
		{ "imaps://imap.example.org:0", "its port is not a number from 1 to 65535" },
		{ "imaps://imap.example.org:65536", "its port" },
		{ "imaps://imap.example.org:18446744073709552609", "its port" },
		{ "imaps://imap.example.org:", "its port" },
		{ "imaps://imap.example.org:-1", "its port" },
		{ "imaps://imap.example.org:+993", "its port" },
		{ "imaps://imap.example.org: 993", "its port" },
		{ "imaps://imap.example.org:993 ", "its port" },
		{ "imaps://imap.example.org:993:993", "its port" },
		{ "imaps://imap.example.org:imaps", "its port" },
		{ "imaps://", "its host is not a host name" },
		{ "imaps:///", "its host is not a host name" },
		{ "imaps://:993", "its host is not a host name" },
		{ "imaps://.", "its host is not a host name" },
		{ "imaps://im_ap.example.org", "its host is not a host name" },
		{ "imaps://-imap.example.org", "its host is not a host name" },
		{ "imaps://imap..example.org", "its host is not a host name" },
		{ "imaps://b\303\274_cher.example", "its host is not a host name" },
		{ "imaps://-b\303\274cher.example", "its host is not a host name" },
		{ "imaps://xn--b\303\274cher.example", "its host is not a host name" },
		{ "imaps://b\374cher.example", "its host is not a host name" },
		{ "imaps://imap .example.org", "its host is not a host name" },
		{ "imaps:// imap.example.org", "its host is not a host name" },
		{ "imaps://imap.example.org\n", "its host is not a host name" },
		{ "imaps://imap.\001example.org", "its host is not a host name" },
		{ "imaps://fred@imap.example.org", "its host is not a host name" },
		{ "imaps://fred:secret@imap.example.org", "is not a service" },
		{ "imaps://192.0.2.1", "its host is not a host name" },
		{ "imaps://192.0.2.1:993", "its host is not a host name" },
		{ "imaps://[2001:db8::1]", "is not a service" },
		{ "imaps://[2001:db8::1]:993", "is not a service" },
		{ "imaps://*.example.org", "its host is not a host name" },
		{ "imaps://mail%EMAILDOMAIN%", "its host is not a host name" },
		{ "imaps://%EMAILADDRESS%", "its host is not a host name" },
		{ "imaps://%EMAILLOCALPART%.%EMAILDOMAIN%", "its host is not a host name" },
		{ "imaps://%EMAILDOMAIN%.%EMAILDOMAIN%", "its host is not a host name" },
		{ "imaps://%LOGIN%.example.org", "its host is not a host name" },
		{ "imaps://mail..%EMAILDOMAIN%", "its host is not a host name" },
		{ "imaps://" NAME_253 "a", "its host is not a host name" },
		{ "imaps://imap.example.org/INBOX", "nothing may follow the host and port" },
		{ "imaps://imap.example.org//", "nothing may follow the host and port" },
		{ "imaps://imap.example.org?x", "nothing may follow the host and port" },
		{ "imaps://imap.example.org#x", "nothing may follow the host and port" },
		{ "managesieves://mail.example.org/x", "nothing may follow the host and port" },
		{ "jmap+https://jmap.example.org", "it needs a path after the host" },
		{ "caldav+https://dav.example.org", "it needs a path after the host" },
		{ "carddav+https://dav.example.org:8443", "it needs a path after the host" },
		{ "webdav+https://dav.example.org/a b", "it needs a path" },
		{ "caldav+https://dav.example.org/<x>", "it needs a path" },
		{ "caldav+https://fred@dav.example.org/", "its host is not a host name" },
		{ "carddav+https://192.0.2.1/", "its host is not a host name" },
		{ "activesync+https://sync.example.org", "it needs a path after the host" },
		{ "activesync+https://sync.example.org?x", "it needs a path" },
		{ "activesync+https://sync.example.org#x", "it needs a path" },
		{ "activesync+https://sync.example.org/#x", "it needs a path" },
		{ "activesync+https://sync.example.org/a b", "it needs a path" },
		{ "activesync+https://sync.example.org/a\n", "it needs a path" },
		{ "activesync+https://sync.example.org/a\177", "it needs a path" },
		{ "activesync+https://sync.example.org/\303\274", "it needs a path" },
		{ "activesync+https://sync.example.org/a<b>", "it needs a path" },
		{ "activesync+https://sync.example.org/a\"b", "it needs a path" },
		{ "activesync+https://sync.example.org/{a}", "it needs a path" },
		{ "activesync+https://sync.example.org/a\\b", "it needs a path" },
		{ "activesync+https:///x", "its host is not a host name" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct service service = { .host = "untouched" };
		struct error err = { 0 };

		check_number(rows[i].in, service_parse(&memory, rows[i].in, &service, &err), -1);
		check_error(rows[i].in, &err, ERROR_INPUT, rows[i].words);
		check_text(rows[i].in, service.host, "untouched");
	}
}

static void test_authentications(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "password-cleartext", "password-cleartext" },
		{ "OAUTH2,Password-Cleartext", "OAuth2,password-cleartext" },
		{ "password-encrypted,password-cleartext",
		  "password-encrypted,password-cleartext" },
		{ "none,client-ip-address,tls-client-cert,ntlm,gssapi,oauth2,password-encrypted,"
		  "password-cleartext",
		  "none,client-IP-address,TLS-client-cert,NTLM,GSSAPI,OAuth2,password-encrypted,"
		  "password-cleartext" },
	};
	static const struct {
		const char *in, *words;
	} refused[] = {
		{ "", "'' is not a way to authenticate" },
		{ "plain", "'plain' is not a way to authenticate; write a comma-separated list "
			   "of password-cleartext password-encrypted OAuth2" },
		{ "OAuth2,", "'' is not a way" },
		{ ",OAuth2", "'' is not a way" },
		{ "OAuth2, NTLM", "' NTLM' is not a way" },
		{ "OAuth2;NTLM", "'OAuth2;NTLM' is not a way" },
		{ "OAuth2,oauth2", "'oauth2' is listed twice" },
		{ "none,NTLM,none", "'none' is listed twice" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct service service = { 0 };
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check_number(rows[i].in,
			     service_parse_authentications(&memory, rows[i].in, &service, &err), 0);
		check_text(rows[i].in, service_authentications(&memory, &service), rows[i].out);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		check_number(refused[i].in,
			     service_parse_authentications(&memory, refused[i].in, &service, &err),
			     -1);
		check_error(refused[i].in, &err, ERROR_INPUT, refused[i].words);
		/* What it had before, it keeps. */
		check_number(refused[i].in, (long long)service.n_authentications, AUTHENTICATIONS);
	}
}

/* Each row comes before the one below it, in every document. */
static void test_order(void **state)
{
	static const struct {
		const char *url;
		bool is_first;
	} rows[] = {
		{ "imap+starttls://mail.example.org", true },
		{ "imap://mail.example.org", true },
		{ "imaps://mail.example.org", false },
		{ "imap+starttls://mail.example.org", false },
		{ "imap://mail.example.org", false },
		{ "pop3+starttls://mail.example.org", true },
		{ "pop3s://mail.example.org", false },
		{ "pop3+starttls://mail.example.org", false },
		{ "pop3://mail.example.org", false },
		{ "jmap+https://mail.example.org/j", true },
		{ "jmap+https://mail.example.org/j", false },
		{ "submissions://mail.example.org", false },
		{ "submission+starttls://mail.example.org", false },
		{ "submission://mail.example.org", false },
		{ "managesieve+starttls://mail.example.org", true },
		{ "managesieves://mail.example.org", false },
		{ "managesieve+starttls://mail.example.org", false },
		{ "managesieve://mail.example.org", false },
		{ "caldav+https://mail.example.org/c", false },
		{ "carddav+https://mail.example.org/c", false },
		{ "webdav+https://mail.example.org/w", false },
		{ "activesync+https://mail.example.org/a", true },
		{ "activesync+https://mail.example.org/a", false },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct service services[sizeof(rows) / sizeof(*rows)];
	struct service other;
	struct error err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(service_parse(&memory, rows[i].url, &services[i], &err), 0);
		services[i].is_first = rows[i].is_first;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t j = 0; j < sizeof(rows) / sizeof(*rows); j++) {
			int order = service_compare(&services[i], &services[j]);

			check_number(rows[i].url, (order > 0) - (order < 0), (i > j) - (i < j));
		}

	/* Host and port are the admin's business. */
	assert_int_equal(service_parse(&memory, "imaps://a.example:1993", &other, &err), 0);
	assert_int_equal(service_compare(&services[2], &other), 0);
}

static void test_names(void **state)
{
	assert_string_equal(service_kind_name(SERVICE_IMAP), "IMAP");
	assert_string_equal(service_kind_name(SERVICE_JMAP), "JMAP");
	assert_string_equal(service_kind_name(SERVICE_MANAGESIEVE), "ManageSieve");
	assert_string_equal(service_kind_name(SERVICE_CALDAV), "CalDAV");
	assert_string_equal(service_kind_name(SERVICE_CARDDAV), "CardDAV");
	assert_string_equal(service_kind_name(SERVICE_WEBDAV), "WebDAV");
	assert_string_equal(service_kind_name(SERVICE_ACTIVESYNC), "ActiveSync");
	/* In the letter case of autoconfig documents. */
	assert_string_equal(authentication_name(AUTHENTICATION_OAUTH2), "OAuth2");
	assert_string_equal(authentication_name(AUTHENTICATION_TLS_CLIENT_CERT), "TLS-client-cert");
}

static void test_questions(void **state)
{
	static const struct {
		const char *path;
		bool asks;
	} rows[] = {
		{ "/.well-known/caldav", true },       { "/.Well-Known/CardDAV", true },
		{ "/.well-known/carddav//", true },    { "/.well-known/caldav?a=b", true },
		{ "/.well-known/caldav/?", true },     { "/.well-known/caldavs", false },
		{ "/.well-known/caldav/all/", false }, { "/.well-known/", false },
		{ "/dav/.well-known/caldav", false },  { "/", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(path_asks_for_dav(rows[i].path), rows[i].asks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),	cmocka_unit_test(test_refused),
		cmocka_unit_test(test_authentications), cmocka_unit_test(test_order),
		cmocka_unit_test(test_names),		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
