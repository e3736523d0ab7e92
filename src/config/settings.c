#include "config/settings.h"

#include <errno.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>

#include "config/lines.h"
#include "config/type.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/similar.h"

/*
 * The file is parsed by inih, which by itself would be kinder than an operator can wish: it splits
 * lines that are longer than its buffer, takes an indented line as more of the value above it,
 * ignores what follows a section's bracket, and never tells of a section without keys. So it gets
 * its lines from a reader of ours that has refused all of that already, and stops at the first
 * error.
 */

#define PLACE(member) .place = offsetof(struct settings, member)

static const struct settings_key keys[] = {
	{ "server", "public-name", "", &setting_public_name, PLACE(server.public_name),
	  .allowed = "a host name such as autoconfig.example.org, with :PORT where it is not 443" },
	{ "server", "listen-https", "[::]:443", &setting_listen, PLACE(server.listen_https),
	  .allowed = "ADDRESS:PORT", .needs_restart = true },
	{ "server", "listen-http", "", &setting_listen, PLACE(server.listen_http),
	  .allowed = "ADDRESS:PORT", .needs_restart = true },
	{ "server", "http-autoconfig", "no", &setting_choice, PLACE(server.http_autoconfig),
	  .allowed = "no | yes" },
	{ "server", "redirect", "public-name", &setting_choice, PLACE(server.redirect),
	  .allowed = "public-name | same-host" },
	{ "server", "behind-proxy", "", &setting_proxy_listen, PLACE(server.behind_proxy),
	  .allowed = "ADDRESS:PORT, or unix: and an absolute path", .needs_restart = true },
	{ "server", "trusted-proxies", "127.0.0.0/8 ::1", &setting_networks,
	  PLACE(server.trusted_proxies),
	  .allowed = "networks such as 127.0.0.0/8 ::1, or nothing" },
	{ "server", "threads", "auto", &setting_threads, PLACE(server.threads), .low = 1,
	  .high = 256, .allowed = "auto, or a number from 1 to 256", .needs_restart = true },
	{ "tls", "certificates", "/etc/mailconfd/certificates/*.pem", &setting_globs,
	  PLACE(tls.certificates),
	  .allowed = "absolute paths, such as /etc/mailconfd/certificates/*.pem" },
	{ "tls", "default-certificate", "", &setting_host_name, PLACE(tls.default_certificate),
	  .allowed = "a host name that a certificate is for, such as autoconfig.example.org" },
	{ "tls", "unknown-name", "refuse", &setting_choice, PLACE(tls.unknown_name),
	  .allowed = "refuse | default" },
	{ "database", "file", "/var/lib/mailconfd/mailconfd.db", &setting_path,
	  PLACE(database.file),
	  .allowed = "an absolute path, such as /var/lib/mailconfd/mailconfd.db",
	  .needs_restart = true },
	{ "templates", "directory", "", &setting_optional_path, PLACE(templates.directory),
	  .allowed = "an absolute path, or nothing" },
	{ "acme", "directory", "/var/lib/mailconfd/acme/.well-known/acme-challenge",
	  &setting_optional_path, PLACE(acme.directory),
	  .allowed = "an absolute path, or nothing" },
	{ "profile", "certificate", "", &setting_optional_path, PLACE(profile.certificate),
	  .allowed = "an absolute path, or nothing" },
	{ "profile", "key", "", &setting_optional_path, PLACE(profile.key),
	  .allowed = "an absolute path, or nothing" },
	{ "log", "level", "info", &setting_choice, PLACE(log.level),
	  .allowed = "error | warning | info | debug" },
	{ "log", "format", "text", &setting_choice, PLACE(log.format), .allowed = "text | json" },
	{ "log", "addresses", "domain", &setting_choice, PLACE(log.addresses),
	  .allowed = "none | domain | hash | full" },
	{ "log", "slow", "500ms", &setting_milliseconds, PLACE(log.slow), .low = 0, .high = 600000,
	  .allowed = "a time such as 500ms or 2s, or 0 for never" },
	{ "metrics", "listen", "", &setting_proxy_listen, PLACE(metrics.listen),
	  .allowed = "ADDRESS:PORT, or unix: and an absolute path", .needs_restart = true },
	{ "limits", "handshake-timeout", "10s", &setting_seconds, PLACE(limits.handshake_timeout),
	  .low = 1, .high = 300, .allowed = "a time from 1s to 300s" },
	{ "limits", "idle-timeout", "30s", &setting_seconds, PLACE(limits.idle_timeout), .low = 1,
	  .high = 3600, .allowed = "a time from 1s to 3600s", .needs_restart = true },
	{ "limits", "requests-per-second", "50", &setting_number, PLACE(limits.requests_per_second),
	  .low = 0, .high = 100000, .allowed = "a number from 0 to 100000" },
	{ "limits", "requests-at-once", "500", &setting_number, PLACE(limits.requests_at_once),
	  .low = 1, .high = 100000, .allowed = "a number from 1 to 100000" },
	{ "limits", "addresses-per-network", "500", &setting_number,
	  PLACE(limits.addresses_per_network), .low = 0, .high = ADDRESSES_PER_NETWORK_MAX,
	  .allowed = "a number from 0 to 1000" },
	{ "limits", "ipv4-network", "32", &setting_number, PLACE(limits.ipv4_network), .low = 1,
	  .high = 32, .allowed = "a number of bits from 1 to 32" },
	{ "limits", "ipv6-network", "64", &setting_number, PLACE(limits.ipv6_network), .low = 1,
	  .high = 128, .allowed = "a number of bits from 1 to 128" },
	{ "limits", "trusted", "127.0.0.0/8 ::1", &setting_networks, PLACE(limits.trusted),
	  .allowed = "networks such as 192.0.2.0/24 2001:db8::/32, or nothing" },
};

#define KEYS (sizeof(keys) / sizeof(*keys))

struct reading {
	struct arena *memory;
	const char *name; /* of the file */
	struct lines lines;
	struct settings settings;
	unsigned given_in[KEYS]; /* the line that gave the key first, 0 for none */
	bool has_failed;
	struct error *err;
};

const struct settings_key *settings_keys(size_t *ret_count)
{
	*ret_count = KEYS;
	return keys;
}

bool settings_differ(const struct settings_key *key, const struct settings *a,
		     const struct settings *b)
{
	return !key->type->equals((const char *)a + key->place, (const char *)b + key->place);
}

static int put_default(struct arena *memory, const struct settings_key *key,
		       struct settings *settings, struct error *err)
{
	return key->type->parse(memory, key, key->text, settings, err);
}

void settings_default(struct arena *memory, struct settings *ret_settings)
{
	struct settings settings = { 0 };
	struct error err;

	for (size_t i = 0; i < KEYS; i++)
		if (put_default(memory, &keys[i], &settings, &err) < 0)
			abort();
	*ret_settings = settings;
}

static bool section_exists(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (text_equals(keys[i].section, name))
			return true;
	return false;
}

static bool begins_section(const struct settings_key *key)
{
	return key == keys || !text_equals(key->section, key[-1].section);
}

static const struct settings_key *key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (text_equals(keys[i].section, section) && text_equals(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static int refuse_section(struct arena *memory, const char *name, struct error *err)
{
	struct bytes all = BYTES_IN(memory);
	size_t fewest = SIMILAR_NEVER;
	const char *meant = NULL;

	for (const struct settings_key *key = keys; key < keys + KEYS; key++) {
		size_t mistakes = similar_mistakes(name, key->section);

		if (mistakes < fewest) {
			fewest = mistakes;
			meant = key->section;
		}
		if (begins_section(key))
			bytes_add_format(&all, " [%s]", key->section);
	}
	if (meant)
		return error_set(err, ERROR_CONFIG, "there is no section %s; did you mean [%s]?",
				 setting_quote(memory, name), meant);
	return error_set(err, ERROR_CONFIG, "there is no section %s; the sections are%s",
			 setting_quote(memory, name), bytes_text(&all));
}

static int refuse_key(struct arena *memory, const char *section, const char *name,
		      struct error *err)
{
	const char *quoted = setting_quote(memory, name), *meant = NULL, *elsewhere = NULL;
	struct bytes all = BYTES_IN(memory);
	size_t fewest = SIMILAR_NEVER;

	for (const struct settings_key *key = keys; key < keys + KEYS; key++) {
		size_t mistakes = similar_mistakes(name, key->name);

		if (!text_equals(key->section, section)) {
			if (text_equals(key->name, name))
				elsewhere = key->section;
			continue;
		}
		if (mistakes < fewest) {
			fewest = mistakes;
			meant = key->name;
		}
		bytes_add_format(&all, "%s%s", all.size ? ", " : "", key->name);
	}
	if (!*section)
		return error_set(err, ERROR_CONFIG,
				 "key %s stands before any section; write [%s] above it", quoted,
				 elsewhere ? elsewhere : keys[0].section);
	if (meant)
		return error_set(err, ERROR_CONFIG, "there is no key %s in [%s]; did you mean %s?",
				 quoted, section, meant);
	if (elsewhere)
		return error_set(err, ERROR_CONFIG,
				 "there is no key %s in [%s]; it belongs in [%s]", quoted, section,
				 elsewhere);
	return error_set(err, ERROR_CONFIG, "there is no key %s in [%s]; it has %s", quoted,
			 section, bytes_text(&all));
}

/*
 * [server]
 */
static int check_section(struct arena *memory, const char *line, struct error *err)
{
	const char *end = strchr(line, ']'), *name;

	if (!end)
		return error_set(err, ERROR_CONFIG,
				 "section %s has no closing bracket; write [NAME]",
				 setting_quote(memory, line));
	name = arena_strndup(memory, line + 1, (size_t)(end - line) - 1);
	if (!section_exists(name))
		return refuse_section(memory, name, err);
	if (end[1])
		return error_set(err, ERROR_CONFIG,
				 "%s follows [%s]; write it into a line of its own",
				 setting_quote(memory, end + 1), name);
	return 0;
}

/*
 * threads = auto
 *
 * To inih a colon is as good as the equals sign; but in "listen-https [::]:443" the sign is
 * missing.
 */
static int check_line(struct arena *memory, const char *line, size_t limit, struct error *err)
{
	size_t key_length = strcspn(line, "=:"), length = strlen(line);

	if (!*line)
		return 0;
	if (line[0] == '[')
		return check_section(memory, line, err);
	if (key_length == 0 || line[key_length] != '=')
		return error_set(err, ERROR_CONFIG, "%s is neither [SECTION] nor KEY = VALUE",
				 setting_quote(memory, line));
	if (length > limit)
		return error_set(err, ERROR_CONFIG,
				 "this line has %zu bytes without its comment, but at most %zu "
				 "can be read; a list may go on in a second line that repeats its "
				 "key",
				 length, limit);
	return 0;
}

/* What is wrong stands in the line read last. */
static void fail(struct reading *reading)
{
	reading->has_failed = true;
	reading->err->kind = ERROR_CONFIG;
	(void)error_prefix(reading->err, "%s:%u", reading->name, reading->lines.number);
}

/* Where inih was built with a buffer that grows, one that is full without a newline makes it read
 * on; so every line ends in one. */
static char *next_line(char *buffer, int size, void *context)
{
	struct reading *reading = context;
	const char *line;
	int r;

	if (reading->has_failed)
		return NULL;
	r = lines_next(&reading->lines, &line, reading->err);
	if (r == LINES_END)
		return NULL;
	if (r < 0 ||
	    check_line(reading->memory, line, (size_t)size - strlen("\n") - 1, reading->err) < 0) {
		fail(reading);
		return NULL;
	}
	(void)snprintf(buffer, (size_t)size, "%s\n", line);
	return buffer;
}

static int check_comment(const char *value, struct error *err)
{
	const char *sign = strchr(value, '#');

	for (; sign; sign = strchr(sign + 1, '#'))
		if (sign == value || char_is_blank(sign[-1]))
			return error_set(err, ERROR_CONFIG,
					 "a comment after a value begins with ';', not with '#'");
	return 0;
}

static int parse_value(struct reading *reading, const struct settings_key *key, const char *value,
		       struct error *err)
{
	unsigned *given_in = &reading->given_in[key - keys];

	if (*given_in && !key->type->is_list)
		return error_set(err, ERROR_CONFIG,
				 "line %u gives it already; remove one of the two", *given_in);
	if (!*given_in)
		*given_in = reading->lines.number;
	if (check_comment(value, err) < 0)
		return -1;
	return key->type->parse(reading->memory, key, value, &reading->settings, err);
}

/* As inih wants it: returns whether all is well. */
static int take_value(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	const struct settings_key *key = key_find(section, name);
	struct error *err = reading->err;

	if (!key)
		(void)refuse_key(reading->memory, section, name, err);
	else if (parse_value(reading, key, value, err) < 0)
		(void)error_prefix(err, "[%s] %s", section, name);
	else
		return 1;

	fail(reading);
	return 0;
}

/* A default can be wrong beside what the file says: listen-http may have taken the port. */
static int put_defaults(struct reading *reading)
{
	for (size_t i = 0; i < KEYS; i++)
		if (!reading->given_in[i] &&
		    put_default(reading->memory, &keys[i], &reading->settings, reading->err) < 0)
			return error_prefix(
				reading->err, "%s: [%s] %s, which is %s when the file does not say",
				reading->name, keys[i].section, keys[i].name, keys[i].text);
	return 0;
}

static int check_listeners(struct reading *reading)
{
	const struct settings_key *key = key_find("server", "listen-https");

	if (reading->settings.server.listen_https.count > 0 ||
	    reading->settings.server.listen_http.count > 0 ||
	    reading->settings.server.behind_proxy.count > 0)
		return 0;
	return error_set(reading->err, ERROR_CONFIG,
			 "%s:%u: [server] listen-https, listen-http and behind-proxy are all "
			 "empty; give one of them an ADDRESS:PORT, such as [::]:443",
			 reading->name, reading->given_in[key - keys]);
}

static int check_trusted_proxies(struct reading *reading)
{
	const struct settings_key *key = key_find("server", "trusted-proxies");
	const struct words *networks = &reading->settings.server.trusted_proxies;
	size_t size = 0;

	for (size_t i = 0; i < networks->count; i++)
		size += strlen(networks->items[i]) + 1;
	if (size < SETTINGS_NETWORKS_MAX)
		return 0;
	return error_set(reading->err, ERROR_CONFIG,
			 "%s:%u: [server] trusted-proxies has more than the %d bytes that it may "
			 "have; write fewer, larger networks",
			 reading->name, reading->given_in[key - keys], SETTINGS_NETWORKS_MAX - 2);
}

static int check_redirect(struct reading *reading)
{
	const struct settings_key *key = key_find("server", "redirect");

	if (reading->settings.server.redirect != REDIRECT_SAME_HOST ||
	    reading->settings.server.listen_https.count > 0)
		return 0;
	return error_set(reading->err, ERROR_CONFIG,
			 "%s:%u: [server] redirect: same-host leads to hosts that listen-https has "
			 "a certificate for, but listen-https is empty; write public-name",
			 reading->name, reading->given_in[key - keys]);
}

static int check_profile(struct reading *reading)
{
	const struct settings_key *given = key_find("profile", "certificate");
	const struct settings_key *missing = key_find("profile", "key");

	if (!*reading->settings.profile.certificate == !*reading->settings.profile.key)
		return 0;
	if (*reading->settings.profile.key) {
		given = missing;
		missing = key_find("profile", "certificate");
	}
	return error_set(reading->err, ERROR_CONFIG,
			 "%s:%u: [profile] %s is given without %s; profiles are signed with both, "
			 "or not at all",
			 reading->name, reading->given_in[given - keys], given->name,
			 missing->name);
}

int settings_read(struct arena *memory, FILE *stream, const char *name,
		  struct settings *ret_settings, struct error *err)
{
	struct reading reading = {
		.memory = memory,
		.name = name,
		.lines = { .memory = memory, .stream = stream },
		.err = err,
	};
	int r = ini_parse_stream(next_line, &reading, take_value, &reading);

	if (reading.has_failed)
		return -1;
	if (r != 0)
		return error_set(err, ERROR_CONFIG, "%s: inih cannot read it (%d)", name, r);
	if (put_defaults(&reading) < 0 || check_listeners(&reading) < 0 ||
	    check_redirect(&reading) < 0 || check_trusted_proxies(&reading) < 0 ||
	    check_profile(&reading) < 0)
		return -1;
	*ret_settings = reading.settings;
	return 0;
}

int settings_load(struct arena *memory, const char *path, struct settings *ret_settings,
		  struct error *err)
{
	_cleanup_(fclosep) FILE *stream = fopen(path, "re");
	struct stat status;

	if (!stream || fstat(fileno(stream), &status) < 0)
		return error_set(err, ERROR_CONFIG, "cannot read the settings file '%s': %s", path,
				 strerror(errno));
	if (S_ISDIR(status.st_mode))
		return error_set(err, ERROR_CONFIG,
				 "cannot read the settings file '%s': it is a directory", path);
	return settings_read(memory, stream, path, ret_settings, err);
}
