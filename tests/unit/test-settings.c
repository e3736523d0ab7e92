#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/settings.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/file.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Fills "file = " up to 198 bytes, the longest line that Debian's inih can take. */
#define LONG                                         \
	"/23456789/23456789/23456789/23456789/23456" \
	"789/23456789/23456789/23456789/23456789"
#define LONGEST_PATH LONG LONG "/23456789/23456789/23456789/2"

/* The longest path of a unix socket. */
#define PATH_107 LONG "/23456789/23456789/2345678"

/* 171 bytes of them. */
#define NETWORKS                                                                                 \
	"2001:db8:1111:1111:1111:1111:1111:1111/128 2001:db8:1111:1111:1111:1111:1111:1112/128 " \
	"2001:db8:1111:1111:1111:1111:1111:1113/128 2001:db8:1111:1111:1111:1111:1111:1114/128"

static int read_bytes(struct arena *memory, const char *text, size_t size,
		      struct settings *ret_settings, struct settings_reports *ret_reports)
{
	_cleanup_(fclosep) FILE *stream = fmemopen((char *)text, size, "r");

	assert_non_null(stream);
	return settings_read(memory, stream, "test.conf", ret_settings, ret_reports);
}

/* Fails the test if there is an error or a warning. */
static void read_text(struct arena *memory, const char *text, struct settings *ret_settings)
{
	struct settings_reports reports;

	if (read_bytes(memory, text, strlen(text), ret_settings, &reports) < 0)
		fail_msg("%s\nin: %s", reports.errors.items[0], text);
	assert_int_equal(reports.errors.count, 0);
	assert_int_equal(reports.warnings.count, 0);
}

/* As the text names them: "section.key". */
static const struct settings_key *key_named(const char *name)
{
	size_t count;
	const struct settings_key *keys = settings_keys(&count);

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(keys[i].section);

		if (strncmp(name, keys[i].section, length) == 0 && name[length] == '.' &&
		    text_equals(name + length + 1, keys[i].name))
			return &keys[i];
	}
	fail_msg("no key '%s'", name);
	return NULL;
}

static void assert_same(const char *what, const struct settings *a, const struct settings *b,
			const char *but_for)
{
	size_t count;
	const struct settings_key *keys = settings_keys(&count);

	for (size_t i = 0; i < count; i++)
		if (settings_differ(&keys[i], a, b) && !(but_for && &keys[i] == key_named(but_for)))
			fail_msg("%s: [%s] %s differs", what, keys[i].section, keys[i].name);
}

/* What the setting is, as text. */
static const char *value_text(struct arena *memory, const struct settings *settings,
			      const char *name)
{
	const struct settings_key *key = key_named(name);
	const void *place = (const char *)settings + key->place;
	struct bytes text = BYTES_IN(memory);
	const struct texts *words = place;
	unsigned number;

	if (key->kind == SETTING_LIST) {
		for (size_t i = 0; i < words->count; i++)
			bytes_add_format(&text, "%s%s", i ? " " : "", words->items[i]);
		return bytes_text(&text);
	}
	if (key->kind == SETTING_NUMBER || key->kind == SETTING_CHOICE) {
		memcpy(&number, place, sizeof(number));
		return arena_printf(memory, "%u", number);
	}
	return *(const char *const *)place;
}

static const char *data_path(struct arena *memory)
{
	const char *root = getenv("SOURCE_ROOT");

	return arena_printf(memory, "%s/data/mailconfd.conf", root ? root : ".");
}

static void defaults_are_the_documented_ones(void **state)
{
	static const struct {
		const char *key, *value;
	} expected[] = {
		{ "server.public-name", "" },
		{ "server.listen-https", "[::]:443" },
		{ "server.listen-http", "" },
		{ "server.redirect", "0" },
		{ "server.behind-proxy", "" },
		{ "server.trusted-proxies", "127.0.0.0/8 ::1" },
		{ "server.threads", "0" },
		{ "tls.certificates", "/etc/mailconfd/certificates/*.pem" },
		{ "tls.default-certificate", "" },
		{ "tls.unknown-name", "0" },
		{ "tls.priorities", "" },
		{ "database.file", "/var/lib/mailconfd/mailconfd.db" },
		{ "database.lock-timeout", "20" },
		{ "templates.directory", "" },
		{ "server.http-autoconfig", "0" },
		{ "acme.directory", "/var/lib/mailconfd-acme/.well-known/acme-challenge" },
		{ "acme.server", "https://acme-v02.api.letsencrypt.org/directory" },
		{ "acme.request-missing", "0" },
		{ "acme.dns-hook", "" },
		{ "profile.certificate", "" },
		{ "profile.key", "" },
		{ "log.level", "2" },
		{ "log.format", "0" },
		{ "log.addresses", "1" },
		{ "log.slow", "500" },
		{ "log.trace", "" },
		{ "metrics.listen", "" },
		{ "sandbox.require", "0" },
		{ "limits.handshake-timeout", "10" },
		{ "limits.idle-timeout", "30" },
		{ "limits.connections", "20000" },
		{ "limits.connections-per-network", "25" },
		{ "limits.addresses-per-network", "500" },
		{ "limits.requests-per-second", "50" },
		{ "limits.requests-at-once", "500" },
		{ "limits.trusted", "127.0.0.0/8 ::1" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings settings;
	size_t count;

	(void)settings_keys(&count);
	assert_int_equal(count, COUNT(expected));
	settings_default(&memory, &settings);
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_string_equal(value_text(&memory, &settings, expected[i].key),
				    expected[i].value);
	assert_int_equal(settings.tls.unknown_name, UNKNOWN_NAME_REFUSE);
	assert_int_equal(settings.log.level, LOG_LEVEL_INFO);
	assert_int_equal(settings.log.addresses, LOG_ADDRESSES_DOMAIN);
}

static void shipped_file_equals_the_defaults(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings settings, defaults;
	struct settings_reports reports;

	if (settings_load(&memory, data_path(&memory), &settings, &reports) < 0)
		fail_msg("%s", reports.errors.items[0]);
	assert_int_equal(reports.warnings.count, 0);
	settings_default(&memory, &defaults);
	assert_same("data/mailconfd.conf", &settings, &defaults, NULL);
}

/* Below its section, under a line that says what it means. */
static void shipped_file_documents_every_key(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	size_t count, size;
	const struct settings_key *keys = settings_keys(&count);
	struct error err;
	const char *text = file_read(&memory, data_path(&memory), 65536, &size, &err);

	if (!text)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < count; i++) {
		const char *header = arena_printf(&memory, "\n[%s]\n", keys[i].section);
		const char *line = arena_printf(&memory, "\n%s =%s%s\n", keys[i].name,
						*keys[i].text ? " " : "", keys[i].text);
		const char *section = strstr(text, header), *end, *at, *above;

		if (!section) {
			fail_msg("[%s] is not in the file", keys[i].section);
			return;
		}
		end = strstr(section + 1, "\n[");
		at = strstr(section, line);
		if (!at || (end && at > end))
			fail_msg("[%s] %s is not in the file", keys[i].section, keys[i].name);
		for (above = at; above > text && above[-1] != '\n'; above--)
			;
		if (*above != '#')
			fail_msg("[%s] %s has no comment above it", keys[i].section, keys[i].name);
	}
}

static void accepts(void **state)
{
	/* One key has the value; all others keep their defaults. */
	static const struct {
		const char *text, *key, *value;
	} cases[] = {
		{ "", "server.threads", "0" },
		{ "\n\n# nothing\n; at all", "server.threads", "0" },
		{ "[log]\n", "log.level", "2" },
		{ "[server]\nthreads=8", "server.threads", "8" },
		{ "[server]\nthreads = auto\n", "server.threads", "0" },
		{ "[server]\n \t threads\t= 256\t\n", "server.threads", "256" },
		{ "  [server]  \n  threads = 1\n", "server.threads", "1" },
		{ "[server]\r\nthreads = 8\r\n", "server.threads", "8" },
		{ "\xef\xbb\xbf[server]\nthreads = 8\n", "server.threads", "8" },
		{ "\xef\xbb\xbf  # a comment\n[server]\nthreads = 8\n", "server.threads", "8" },
		{ "[server] ; a comment\nthreads = 8 ; and one more ; here\n", "server.threads",
		  "8" },
		{ "[server]\n[tls]\n[server]\nthreads = 8\n", "server.threads", "8" },
		{ "[database]\nfile = /a;b\n", "database.file", "/a;b" },
		{ "[database]\nfile = /a;b\t;c\n", "database.file", "/a;b" },
		{ "[database]\nfile = /a=b:c#d\n", "database.file", "/a=b:c#d" },
		{ "[database]\nfile = /a b\n", "database.file", "/a b" },
		{ "[database]\nfile = /b\303\274cher.db\n", "database.file", "/b\303\274cher.db" },
		{ "[database]\nfile = " LONGEST_PATH "\n", "database.file", LONGEST_PATH },
		{ "[database]\nfile = " LONGEST_PATH "   ; " LONG "\n", "database.file",
		  LONGEST_PATH },
		{ "# " LONGEST_PATH LONGEST_PATH "\n[server]\nthreads = 8\n", "server.threads",
		  "8" },
		{ "[acme]\nserver = https://ca.example:14000/dir\n", "acme.server",
		  "https://ca.example:14000/dir" },
		{ "[acme]\nrequest-missing = yes\n", "acme.request-missing", "1" },
		{ "[acme]\ndns-hook = /usr/local/bin/hook\n", "acme.dns-hook",
		  "/usr/local/bin/hook" },
		{ "[templates]\ndirectory =\n", "templates.directory", "" },
		{ "[templates]\ndirectory = /etc/x\n", "templates.directory", "/etc/x" },
		{ "[server]\npublic-name =     ; this host\n", "server.public-name", "" },
		{ "[server]\npublic-name = Mail.Example.ORG.\n", "server.public-name",
		  "mail.example.org" },
		{ "[server]\npublic-name = b\303\274cher.example:0443\n", "server.public-name",
		  "xn--bcher-kva.example:443" },
		{ "[limits]\naddresses-per-network = 0\n", "limits.addresses-per-network", "0" },
		{ "[limits]\naddresses-per-network = 1000\n", "limits.addresses-per-network",
		  "1000" },
		{ "[limits]\ntrusted =\n", "limits.trusted", "" },
		{ "[limits]\ntrusted = 192.0.2.0/24\ntrusted = 2001:db8::/32 192.0.2.1\n",
		  "limits.trusted", "192.0.2.0/24 2001:db8::/32 192.0.2.1" },
		{ "[server]\nlisten-https = 192.0.2.1:443 [2001:db8::1]:8443\n",
		  "server.listen-https", "192.0.2.1:443 [2001:db8::1]:8443" },
		{ "[server]\nlisten-https = 0.0.0.0:443\nlisten-https = [::1]:443\n"
		  "listen-https = [::1]:444\t[::1]:445 ;\n",
		  "server.listen-https", "0.0.0.0:443 [::1]:443 [::1]:444 [::1]:445" },
		{ "[server]\nlisten-http = [::]:80\n", "server.listen-http", "[::]:80" },
		{ "[server]\nlisten-http = 192.0.2.1:443\n", "server.listen-http",
		  "192.0.2.1:443" },
		{ "[server]\nredirect = same-host\n", "server.redirect", "1" },
		{ "[server]\nbehind-proxy = 127.0.0.1:8080 unix:/run/a.socket\n"
		  "behind-proxy = unix:/run/b.socket\n",
		  "server.behind-proxy", "127.0.0.1:8080 unix:/run/a.socket unix:/run/b.socket" },
		{ "[server]\nbehind-proxy = unix:" PATH_107 "\n", "server.behind-proxy",
		  "unix:" PATH_107 },
		{ "[server]\ntrusted-proxies = 192.0.2.0/24\ntrusted-proxies = 2001:db8::/32\n",
		  "server.trusted-proxies", "192.0.2.0/24 2001:db8::/32" },
		{ "[server]\ntrusted-proxies =\n", "server.trusted-proxies", "" },
		{ "[tls]\ncertificates = /a /b/*.pem\n[log]\n[tls]\ncertificates = /c\n",
		  "tls.certificates", "/a /b/*.pem /c" },
		{ "[tls]\ndefault-certificate = B\303\234cher.example\n", "tls.default-certificate",
		  "xn--bcher-kva.example" },
		{ "[tls]\ndefault-certificate =\n", "tls.default-certificate", "" },
		{ "[tls]\nunknown-name = default\n", "tls.unknown-name", "1" },
		{ "[tls]\npriorities = SECURE192:-VERS-ALL:+VERS-TLS1.3\n", "tls.priorities",
		  "SECURE192:-VERS-ALL:+VERS-TLS1.3" },
		{ "[tls]\npriorities = -VERS-TLS1.2\n", "tls.priorities", "-VERS-TLS1.2" },
		{ "[tls]\npriorities = !AES-256-GCM:+RSA\n", "tls.priorities",
		  "!AES-256-GCM:+RSA" },
		{ "[log]\nlevel = error\n", "log.level", "0" },
		{ "[log]\nlevel = warning\n", "log.level", "1" },
		{ "[log]\nlevel = debug\n", "log.level", "3" },
		{ "[log]\naddresses = none\n", "log.addresses", "0" },
		{ "[log]\naddresses = hash\n", "log.addresses", "2" },
		{ "[log]\naddresses = full\n", "log.addresses", "3" },
		{ "[log]\nformat = json\n", "log.format", "1" },
		{ "[metrics]\nlisten = 127.0.0.1:9180 unix:/run/m.socket\n", "metrics.listen",
		  "127.0.0.1:9180 unix:/run/m.socket" },
		{ "[log]\nslow = 0\n", "log.slow", "0" },
		{ "[log]\nslow = 20ms\n", "log.slow", "20" },
		{ "[log]\nslow = 2s\n", "log.slow", "2000" },
		{ "[log]\nslow = 600s\n", "log.slow", "600000" },
		{ "[log]\ntrace = 192.0.2.7 2001:db8::/32\n", "log.trace",
		  "192.0.2.7 2001:db8::/32" },
		{ "[limits]\nhandshake-timeout = 1\n", "limits.handshake-timeout", "1" },
		{ "[limits]\nhandshake-timeout = 300s\n", "limits.handshake-timeout", "300" },
		{ "[limits]\nidle-timeout = 3600\n", "limits.idle-timeout", "3600" },
		{ "[limits]\nconnections = 1000000\n", "limits.connections", "1000000" },
		{ "[limits]\nconnections-per-network = 1%\n", "limits.connections-per-network",
		  "1" },
		{ "[limits]\nconnections-per-network = 100%\n", "limits.connections-per-network",
		  "100" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct settings settings, defaults;

		read_text(&memory, cases[i].text, &settings);
		if (!text_equals(value_text(&memory, &settings, cases[i].key), cases[i].value))
			fail_msg("%s is '%s' in: %s", cases[i].key,
				 value_text(&memory, &settings, cases[i].key), cases[i].text);
		settings_default(&memory, &defaults);
		assert_same(cases[i].text, &settings, &defaults, cases[i].key);
	}
}

static void listens_on_plain_http_alone(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings settings;

	read_text(&memory, "[server]\nlisten-https =\nlisten-http = [::]:443\n", &settings);
	assert_int_equal(settings.server.listen_https.count, 0);
	assert_string_equal(settings.server.listen_http.items[0], "[::]:443");
}

static void listens_behind_a_proxy_alone(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings settings;

	read_text(&memory, "[server]\nlisten-https =\nbehind-proxy = unix:/run/x\n", &settings);
	assert_int_equal(settings.server.listen_https.count, 0);
	assert_string_equal(settings.server.behind_proxy.items[0], "unix:/run/x");
}

/* Checks that the report begins with "test.conf:LINE: " and has all the words, which a '|'
 * separates.
 */
static void assert_report(const char *report, unsigned line, const char *words)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *rest = arena_strdup(&memory, words), *word;
	const char *prefix = line ? arena_printf(&memory, "test.conf:%u: ", line) : "test.conf: ";

	if (strncmp(report, prefix, strlen(prefix)) != 0)
		fail_msg("'%s' does not begin with '%s'", report, prefix);
	while ((word = strsep(&rest, "|")))
		if (!strstr(report, word))
			fail_msg("'%s' does not say '%s'", report, word);
	/* for reading them all aloud */
	if (getenv("SHOW_ERRORS"))
		print_message("# %s\n", report);
}

/* Checks that the text has this one error. */
static void assert_refused(const char *text, size_t size, unsigned line, const char *words)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings settings, untouched;
	struct settings_reports reports;

	memset(&settings, 0x55, sizeof(settings));
	memset(&untouched, 0x55, sizeof(untouched));
	if (read_bytes(&memory, text, size, &settings, &reports) != -1)
		fail_msg("accepted: %s", text);
	assert_memory_equal(&settings, &untouched, sizeof(settings));
	assert_report(reports.errors.items[0], line, words);
	if (reports.errors.count > 1)
		fail_msg("one error more: '%s'", reports.errors.items[1]);
	assert_int_equal(reports.warnings.count, 0);
}

static void refuses_files(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words;
	} cases[] = {
		{ "[server]\n\nlisten-htps = [::]:1\n", 3,
		  "'listen-htps'|[server]|did you mean listen-https?" },
		{ "[server]\nTHRAEDS = 1\n", 2, "'THRAEDS'|did you mean threads?" },
		{ "[server]\nport = 443\n", 2,
		  "'port'|[server]|its keys are public-name, listen-https, listen-http, "
		  "http-autoconfig, redirect, behind-proxy, trusted-proxies, threads" },
		{ "[tls]\nthreads = 4\n", 2, "'threads' in [tls]|belongs in [server]" },
		{ "[tls]\ncertificate = /x\n", 2, "'certificate'|did you mean certificates?" },
		{ "[profile]\ncertificate = /x\n", 2,
		  "[profile] certificate is set without key|set both" },
		{ "[profile]\ncertificate =\nkey = /x\n", 3,
		  "[profile] key is set without certificate" },
		{ "[profile]\nkey = x\n", 2, "'x' is not allowed|absolute path" },
		{ "[log]\nlevels = info # all\n", 2, "'levels'|did you mean level?" },
		{ "[Server]\nthreads = 4\n", 1, "'Server'|did you mean [server]?" },
		{ "[tsl]\n", 1, "'tsl'|did you mean [tls]?" },
		{ "[server]\nthreads = 4\n[imap]\n", 3,
		  "'imap'|the sections are [server] [tls] [database] [templates] [acme] "
		  "[profile] [log] [metrics] [sandbox] [limits]" },
		{ "[foo]", 1, "'foo'|the sections are" },
		{ "[]\n", 1, "section ''" },
		{ "[ server ]\n", 1, "' server '|did you mean [server]?" },
		{ "[[server]]\n", 1, "'[server'|did you mean [server]?" },
		{ "# text\n[server\n", 2, "'[server'|no closing bracket" },
		{ "[server ; comment ]\n", 1, "'[server'|no closing bracket" },
		{ "[server] threads = 4\n", 1, "' threads = 4' follows [server]|line of its own" },
		{ "[server]]\n", 1, "']' follows [server]" },
		{ "threads = 4\n", 1, "'threads' precedes all sections|write [server]" },
		{ "\n\nfoo = 4\n", 3, "'foo' precedes all sections|write [server]" },
		{ "[server]\nthreads = 4\n\nthreads = 4\n", 4, "[server] threads: line 2|remove" },
		{ "[server]\nthreads = 4\n[tls]\n[server]\nthreads = auto\n", 5, "line 2" },
		{ "[server]\nthreads 4\n", 2, "'threads 4'|neither [SECTION] nor KEY = VALUE" },
		{ "[server]\nthreads ; = 4\n", 2, "'threads'|KEY = VALUE" },
		{ "[server]\nthreads: 4\n", 2, "'threads: 4'|KEY = VALUE" },
		{ "[server]\n= 4\n", 2, "'= 4'|KEY = VALUE" },
		{ "[server]\nlisten-https [::]:443\n", 2, "'listen-https [::]:443'|KEY = VALUE" },
		{ "[tls]\ncertificates = /a\n   /b\n", 3, "'/b'|KEY = VALUE" },
		{ "[server]\nthreads = 4\n  port = 5\n", 3, "'port'" },
		{ "[server]\nthreads = 4 # four\n", 2, "[server] threads|begins with ';'" },
		{ "[server]\npublic-name = # none\n", 2, "[server] public-name|begins with ';'" },
		{ "[server]\npublic-name =; none\n", 2, "[server] public-name|'; none'" },
		{ "[server]\r\nthreads = 4\r\nx\r\n", 3, "'x'" },
		{ "\xef\xbb\xbf[servr]\n", 1, "'servr'|did you mean" },
		{ "[server]\n\xef\xbb\xbfthreads = 4\n", 2, "'\\xef\\xbb\\xbfthreads'" },
		{ "[server]\rthreads = 4\r", 1, "control character 0x0d" },
		{ "[server]\nthreads = \0334\n", 2, "control character 0x1b" },
		{ "[server]\npublic-name = b\374cher.example\n", 2, "not UTF-8|save the file" },
		{ "\377[\n", 1, "not UTF-8" },
		{ "\177ELF\n", 1, "control character 0x7f" },
		{ "[database]\nfile = " LONGEST_PATH "x\n", 2,
		  "199 bytes|at most 198|a list can continue on a second line" },
		{ "[server]\n" LONGEST_PATH LONG " = 4\n", 2, "at most 198" },
		{ "[" LONGEST_PATH LONGEST_PATH "]\n", 1, "there is no section|..." },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].words);
}

static void refuses_bytes(void **state)
{
	static const char nul[] = "[server]\nthreads = 4\0\n", nul_line[] = "[log]\n\0\n";
	char long_line[5001];

	assert_refused(nul, sizeof(nul) - 1, 2, "control character 0x00");
	assert_refused(nul_line, sizeof(nul_line) - 1, 2, "control character 0x00");
	memset(long_line, 'x', sizeof(long_line));
	long_line[0] = '\n';
	long_line[sizeof(long_line) - 1] = '\0';
	assert_refused(long_line, sizeof(long_line) - 1, 2, "more than 4096 bytes");
}

/* As the editors of Windows write it: "[log]\nx\n". */
static void refuses_utf_16(void **state)
{
	static const char little[] = "\377\376[\0l\0o\0g\0]\0\n\0x\0\n";
	static const char big[] = "\376\377\0[\0l\0o\0g\0]\0\n\0x\0\n";

	assert_refused(little, sizeof(little), 1, "the file is in UTF-16; save it in UTF-8");
	assert_refused(little + 2, sizeof(little) - 2, 1, "UTF-16");
	assert_refused(big, sizeof(big) - 1, 1, "UTF-16");
	assert_refused(big + 2, sizeof(big) - 3, 1, "UTF-16");
}

static void reports_all_errors(void **state)
{
	static const char text[] = "threads = 4\n"
				   "[servr]\n"
				   "threads = x\n"
				   "threads = y\n"
				   "listen-htps = [::]:443\n"
				   "listen-http = [::]:443 nowhere\n"
				   "[foo]\n"
				   "bar = 1\n"
				   "[log\n"
				   "level = loud\n"
				   "format\n"
				   "\377\n"
				   "[limits]\n"
				   "ipv4-network = many\n"
				   "idle-timeout = 5m # minutes\n"
				   "[profile]\n"
				   "key = /x\n";
	static const struct {
		unsigned line;
		const char *words;
	} errors[] = {
		{ 1, "'threads' precedes all sections" },
		{ 2, "'servr'|did you mean [server]?" },
		{ 3, "[server] threads: 'x' is not allowed" },
		{ 4, "[server] threads: line 3 sets it already" },
		{ 5, "did you mean listen-https?" },
		{ 6, "[server] listen-http: 'nowhere'" },
		{ 7, "'foo'" },
		{ 9, "'[log'|no closing bracket" },
		{ 10, "[log] level: 'loud' is not allowed" },
		{ 11, "'format' is neither" },
		{ 12, "not UTF-8" },
		{ 15, "[limits] idle-timeout: a comment" },
		{ 17, "[profile] key is set without certificate" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings_reports reports;
	struct settings settings;

	assert_int_equal(read_bytes(&memory, text, strlen(text), &settings, &reports), -1);
	for (size_t i = 0; i < reports.errors.count && i < COUNT(errors); i++)
		assert_report(reports.errors.items[i], errors[i].line, errors[i].words);
	assert_int_equal(reports.errors.count, COUNT(errors));
	assert_int_equal(reports.warnings.count, 1);
	assert_report(reports.warnings.items[0], 14, "[limits] ipv4-network is obsolete, ignored");
}

static void stops_at_many_errors(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes text = BYTES_IN(&memory);
	struct settings_reports reports;
	struct settings settings;

	for (int i = 0; i < 100000; i++)
		bytes_add_text(&text, "\177ELF\n");
	assert_int_equal(read_bytes(&memory, bytes_text(&text), text.size, &settings, &reports),
			 -1);
	assert_int_equal(reports.errors.count, SETTINGS_ERRORS_MAX + 1);
	assert_report(reports.errors.items[SETTINGS_ERRORS_MAX], 0, "too many errors");
}

/* Their values are not looked at. */
static void warns_of_obsolete_keys(void **state)
{
	static const char text[] = "[limits]\nipv4-network = 24\nipv6-network =\n";
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings settings, defaults;
	struct settings_reports reports;

	assert_int_equal(read_bytes(&memory, text, strlen(text), &settings, &reports), 0);
	assert_int_equal(reports.errors.count, 0);
	assert_int_equal(reports.warnings.count, 2);
	assert_report(reports.warnings.items[0], 2,
		      "[limits] ipv4-network is obsolete, ignored; remove this line");
	assert_report(reports.warnings.items[1], 3,
		      "[limits] ipv6-network is obsolete, ignored; remove this line");
	settings_default(&memory, &defaults);
	assert_same(text, &settings, &defaults, NULL);
}

/* Nothing that a file can have is obsolete. */
static void obsolete_keys_are_gone(void **state)
{
	size_t count, n_obsolete;
	const struct settings_key *keys = settings_keys(&count);
	const struct settings_obsolete_key *obsolete = settings_obsolete_keys(&n_obsolete);

	for (size_t i = 0; i < count * n_obsolete; i++)
		assert_false(text_equals(keys[i % count].section, obsolete[i / count].section) &&
			     text_equals(keys[i % count].name, obsolete[i / count].name));
}

static void refuses_values(void **state)
{
	/* The value stands in line 2. */
	static const struct {
		const char *key, *value, *words;
	} cases[] = {
		{ "server.public-name", "https://mail.example.org", "write a host name such as" },
		{ "server.public-name", "mail.example.org:", "with :PORT" },
		{ "server.public-name", "mail.example.org:0", "with :PORT" },
		{ "server.public-name", "mail.example.org:65536", "with :PORT" },
		{ "server.public-name", ":443", "a host name" },
		{ "server.public-name", "192.0.2.1", "a host name" },
		{ "server.public-name", "[::1]:443", "a host name" },
		{ "server.public-name", "mail_1.example.org", "a host name" },
		{ "limits.addresses-per-network", "1001", "'1001'|a number from 0 to 1000" },
		{ "limits.addresses-per-network", "-1", "'-1'|a number from 0 to 1000" },
		{ "limits.addresses-per-network", "many", "'many'|a number from 0 to 1000" },
		{ "limits.addresses-per-network", "", "a number from 0 to 1000" },
		{ "limits.requests-per-second", "100001", "a number from 0 to 100000" },
		{ "limits.requests-at-once", "0", "a number from 1 to 100000" },
		{ "limits.trusted", "192.0.2.1/24", "'192.0.2.1/24' is not a network" },
		{ "limits.trusted", "::1, ::2", "'::1,' is not a network" },
		{ "limits.trusted", "localhost", "'localhost' is not a network" },
		{ "limits.trusted", "192.0.2.0/33", "'192.0.2.0/33' is not a network" },
		{ "server.listen-https", "443", "no address|[::]:PORT|0.0.0.0:PORT" },
		{ "server.listen-https", "*:443", "[::]:PORT" },
		{ "server.listen-https", ":443", "[::]:PORT" },
		{ "server.listen-https", "0.0.0.0", "no port" },
		{ "server.listen-https", "[::]", "no port" },
		{ "server.listen-https", "[::]:0", "from 1 to 65535" },
		{ "server.listen-https", "0.0.0.0:65536", "from 1 to 65535" },
		{ "server.listen-https", "0.0.0.0:https", "from 1 to 65535" },
		{ "server.listen-https", "2001:db8::1:443", "in brackets" },
		{ "server.listen-https", "[2001:db8::g]:443", "IPv6 address" },
		{ "server.listen-https", "[fe80::1%lo]:443", "IPv6 address" },
		{ "server.listen-https", "[192.0.2.1]:443", "IPv6 address" },
		{ "server.listen-https", "localhost:443", "the IP address itself" },
		{ "server.listen-https", "192.0.2.256:443", "the IP address itself" },
		{ "server.listen-https", "[::]:443 0.0.0.0:443 443", "'443' is not" },
		{ "server.listen-https", "[::1]:443 [0::1]:443", "'[0::1]:443' is listed twice" },
		{ "server.listen-https", "[::]:443, [::]:80", "'[::]:443,'|port" },
		{ "server.listen-http", "80", "no address" },
		{ "server.redirect", "Same-Host", "write public-name | same-host" },
		{ "server.behind-proxy", "8080", "no address" },
		{ "server.behind-proxy", "/run/a.socket", "no port" },
		{ "server.behind-proxy", "unix:", "no absolute path|unix:/run/" },
		{ "server.behind-proxy", "unix:run/a.socket", "no absolute path" },
		{ "server.behind-proxy", "unix:" PATH_107 "x", "too long|107 bytes" },
		{ "server.behind-proxy", "unix:/a unix:/a", "listed twice" },
		{ "server.behind-proxy", "127.0.0.1:80 unix:/a 127.0.0.1:80", "listed twice" },
		{ "server.trusted-proxies", "127.0.0.1/8", "'127.0.0.1/8' is not a network" },
		{ "server.trusted-proxies", "::1 localhost", "'localhost' is not a network" },
		{ "server.trusted-proxies", "unix:", "not a network" },
		{ "server.threads", "", "'' is not allowed|auto, or a number from 1 to 256" },
		{ "server.threads", "0", "from 1 to 256" },
		{ "server.threads", "257", "from 1 to 256" },
		{ "server.threads", "-1", "from 1 to 256" },
		{ "server.threads", "4 4", "from 1 to 256" },
		{ "server.threads", "99999999999999999999", "from 1 to 256" },
		{ "tls.certificates", "", "absolute paths" },
		{ "tls.certificates", "/a b.pem", "'b.pem'|absolute paths" },
		{ "tls.default-certificate", "*.example.org", "'*.example.org'|host name" },
		{ "tls.default-certificate", "mail.example.org:443", "host name" },
		{ "tls.unknown-name", "Refuse", "'Refuse'|write refuse | default" },
		{ "tls.unknown-name", "", "refuse" },
		{ "tls.unknown-name", "|", "refuse" },
		{ "tls.priorities", "NORMAL:+NO-SUCH",
		  "NORMAL:+NO-SUCH' is invalid: GnuTLS does not support '+NO-SUCH' (character 8)" },
		{ "tls.priorities", "+NO-SUCH", "does not support '+NO-SUCH' (character 1)" },
		{ "tls.priorities", "-VERS-TLS1.2:%FOO:+RSA", "support '%FOO' (character 14)" },
		{ "tls.priorities", "nonsense", "does not support 'nonsense' (character 1)" },
		{ "tls.priorities", "NONE", "it leaves no TLS version, cipher suite or group" },
		{ "tls.priorities", "-VERS-ALL", "it leaves no TLS version" },
		{ "tls.priorities", "-CIPHER-ALL", "it leaves no" },
		{ "tls.priorities", "NORMAL", "it enables TLS1.1, but TLS 1.2 is the minimum" },
		{ "tls.priorities", "+VERS-TLS1.0", "it enables TLS1.0" },
		{ "tls.priorities", "HIGH:!aNULL:!MD5",
		  "syntax of OpenSSL; leave the value empty" },
		{ "tls.priorities", "DEFAULT@SECLEVEL=2", "OpenSSL; leave the value empty" },
		{ "tls.priorities", "ECDHE-RSA-AES128-GCM-SHA256",
		  "in the syntax of GnuTLS, write '-KX-ALL:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM'" },
		{ "tls.priorities",
		  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:!aNULL",
		  "write '-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:"
		  "+CHACHA20-POLY1305'" },
		{ "tls.priorities", "TLS_AES_128_GCM_SHA256", "write '-CIPHER-ALL:+AES-128-GCM'" },
		{ "tls.priorities", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		  "write '-KX-ALL:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM'" },
		{ "tls.priorities", "TLSv1.2", "write '-VERS-ALL:+VERS-TLS1.2'" },
		{ "tls.priorities", "TLSv1.2 TLSv1.3",
		  "write '-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3'" },
		{ "tls.priorities", "all -SSLv3 -TLSv1 -TLSv1.1", "leave the value empty" },
		{ "tls.priorities", "AES128-GCM-SHA256", "write '-CIPHER-ALL:+AES-128-GCM'" },
		{ "database.file", "", "an absolute path" },
		{ "database.file", "mailconfd.db", "an absolute path" },
		{ "database.lock-timeout", "0", "from 1s to 3600s" },
		{ "templates.directory", "templates", "an absolute path, or nothing" },
		{ "acme.server", "http://ca.example/dir", "the https URL of the directory" },
		{ "acme.server", "https:///dir", "the https URL of the directory" },
		{ "acme.server", "https://ca.example/a b", "the https URL of the directory" },
		{ "acme.server", "", "the https URL of the directory" },
		{ "acme.dns-hook", "hook", "the absolute path of a program, or nothing" },
		{ "log.level", "warn", "error" },
		{ "log.level", "6", "error" },
		{ "log.addresses", "yes", "none" },
		{ "log.format", "xml", "text | json" },
		{ "metrics.listen", "9180", "no address" },
		{ "metrics.listen", "127.0.0.1:9180 127.0.0.1:9180", "listed twice" },
		{ "log.trace", "192.0.2.1/24", "'192.0.2.1/24' is not a network" },
		{ "log.slow", "500", "500ms or 2s" },
		{ "log.slow", "601s", "500ms or 2s" },
		{ "log.slow", "s", "500ms or 2s" },
		{ "log.slow", "-1ms", "500ms or 2s" },
		{ "log.slow", "99999999999999999999ms", "500ms or 2s" },
		{ "limits.handshake-timeout", "0", "from 1s to 300s" },
		{ "limits.handshake-timeout", "301s", "from 1s to 300s" },
		{ "limits.handshake-timeout", "s", "from 1s to 300s" },
		{ "limits.handshake-timeout", "1 s", "from 1s to 300s" },
		{ "limits.handshake-timeout", "", "from 1s to 300s" },
		{ "limits.idle-timeout", "3601", "from 1s to 3600s" },
		{ "limits.idle-timeout", "5m", "from 1s to 3600s" },
		{ "limits.connections", "15", "a number from 16 to 1000000" },
		{ "limits.connections-per-network", "25", "a share from 1% to 100%" },
		{ "limits.connections-per-network", "0%", "a share from 1% to 100%" },
		{ "limits.connections-per-network", "101%", "a share from 1% to 100%" },
		{ "limits.connections-per-network", "%", "a share from 1% to 100%" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const struct settings_key *key = key_named(cases[i].key);
		const char *text = arena_printf(&memory, "[%s]\n%s = %s\n", key->section, key->name,
						cases[i].value);

		assert_refused(text, strlen(text), 2,
			       arena_printf(&memory, "[%s] %s: '|%s", key->section, key->name,
					    cases[i].words));
	}
}

/* The setting that an error proposes. */
static void proposes_priorities_that_work(void **state)
{
	static const char *const lists[] = { "ECDHE-RSA-AES128-GCM-SHA256",
					     "TLSv1.2",
					     "TLSv1.3",
					     "TLS_CHACHA20_POLY1305_SHA256",
					     "AES128-GCM-SHA256",
					     "TLSv1.2:ECDHE-ECDSA-CHACHA20-POLY1305" };

	for (size_t i = 0; i < COUNT(lists); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct settings_reports reports;
		struct settings settings;
		const char *text = arena_printf(&memory, "[tls]\npriorities = %s\n", lists[i]);
		const char *proposed;

		assert_int_equal(read_bytes(&memory, text, strlen(text), &settings, &reports), -1);
		proposed = strstr(reports.errors.items[0], "write '");
		assert_non_null(proposed);
		proposed += strlen("write '");
		text = arena_printf(&memory, "[tls]\npriorities = %.*s\n",
				    (int)strcspn(proposed, "'"), proposed);
		read_text(&memory, text, &settings);
	}
}

static void refuses_what_does_not_go_together(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words;
	} cases[] = {
		{ "[log]\n[server]\nlisten-https =\n", 3,
		  "[server] listen-https, listen-http and behind-proxy are all empty" },
		{ "[server]\nlisten-http =\nlisten-https =\nbehind-proxy =\n", 3, "all empty" },
		{ "[server]\nbehind-proxy = [::]:8080\nlisten-http = 0.0.0.0:8080\n", 3,
		  "[server] listen-http: '0.0.0.0:8080' is taken by '[::]:8080' of "
		  "behind-proxy" },
		{ "[server]\nlisten-https = 127.0.0.1:8080\nbehind-proxy = 127.0.0.1:8080\n", 3,
		  "is taken by '127.0.0.1:8080' of listen-https" },
		{ "[server]\nlisten-https =\nlisten-http = [::]:80\nredirect = same-host\n", 4,
		  "[server] redirect: same-host|listen-https is empty; write public-name" },
		{ "[server]\ntrusted-proxies = " NETWORKS "\ntrusted-proxies = " NETWORKS
		  "\ntrusted-proxies = " NETWORKS "\ntrusted-proxies = " NETWORKS
		  "\ntrusted-proxies = " NETWORKS "\ntrusted-proxies = " NETWORKS "\n",
		  2, "trusted-proxies has more than the 1022 bytes" },
		{ "[server]\nlisten-https = [::]:80\nlisten-http = [::]:80\n", 3,
		  "[server] listen-http: '[::]:80' is taken by '[::]:80' of listen-https" },
		{ "[server]\nlisten-http = 0.0.0.0:80\nlisten-https = [::1]:80 [::]:80\n", 3,
		  "[server] listen-https: '[::]:80' is taken by '0.0.0.0:80' of listen-http" },
		{ "[server]\nlisten-https = 192.0.2.1:80\nlisten-http = [::ffff:192.0.2.1]:80\n", 3,
		  "is taken by '192.0.2.1:80' of listen-https" },
		{ "[server]\nlisten-http = [::]:443\n", 0,
		  "[server] listen-https (default: [::]:443): '[::]:443' is taken" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].words);
}

static void names_the_file_that_cannot_be_read(void **state)
{
	static const struct {
		const char *path, *reason;
	} cases[] = {
		{ "/nonexistent/mailconfd.conf", "No such file or directory" },
		{ "/", "is a directory" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct settings_reports reports;
		struct settings settings;
		const char *text;

		assert_int_equal(settings_load(&memory, cases[i].path, &settings, &reports), -1);
		assert_int_equal(reports.errors.count, 1);
		text = reports.errors.items[0];
		assert_non_null(strstr(text, arena_printf(&memory, "'%s'", cases[i].path)));
		assert_non_null(strstr(text, cases[i].reason));
	}
}

static void tells_which_settings_differ(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings before, after;

	settings_default(&memory, &before);
	read_text(&memory,
		  "[server]\nthreads = 4\nlisten-https = [::]:443 [::]:8443\n"
		  "[log]\nlevel = debug\n[tls]\nunknown-name = refuse\n",
		  &after);
	assert_true(settings_differ(key_named("server.threads"), &before, &after));
	assert_true(settings_differ(key_named("server.listen-https"), &before, &after));
	assert_true(settings_differ(key_named("log.level"), &before, &after));
	assert_false(settings_differ(key_named("tls.unknown-name"), &before, &after));
	assert_false(settings_differ(key_named("tls.certificates"), &before, &after));
	assert_true(key_named("server.threads")->needs_restart);
	assert_true(key_named("limits.idle-timeout")->needs_restart);
	assert_true(key_named("tls.priorities")->needs_restart);
	assert_false(key_named("limits.handshake-timeout")->needs_restart);
	assert_false(key_named("log.level")->needs_restart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_documented_ones),
		cmocka_unit_test(shipped_file_equals_the_defaults),
		cmocka_unit_test(shipped_file_documents_every_key),
		cmocka_unit_test(accepts),
		cmocka_unit_test(listens_on_plain_http_alone),
		cmocka_unit_test(listens_behind_a_proxy_alone),
		cmocka_unit_test(refuses_files),
		cmocka_unit_test(refuses_bytes),
		cmocka_unit_test(refuses_utf_16),
		cmocka_unit_test(refuses_values),
		cmocka_unit_test(proposes_priorities_that_work),
		cmocka_unit_test(reports_all_errors),
		cmocka_unit_test(stops_at_many_errors),
		cmocka_unit_test(warns_of_obsolete_keys),
		cmocka_unit_test(obsolete_keys_are_gone),
		cmocka_unit_test(refuses_what_does_not_go_together),
		cmocka_unit_test(names_the_file_that_cannot_be_read),
		cmocka_unit_test(tells_which_settings_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
