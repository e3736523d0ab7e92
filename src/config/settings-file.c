#include "config/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "util/did-you-mean.h"

/* With its comment. Whatever has a longer line is not a settings file. */
#define LINE_MAX_LENGTH 4096

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/*
 * The file is parsed by inih. By itself it splits lines that are longer than its buffer, takes an
 * indented line as a continuation of the value above it, ignores what follows a section's bracket,
 * and does not report a section without keys. So it gets its lines from a reader that has reported
 * all of that already, and passes an empty line in place of each invalid one.
 */

/* One key in the file. */
struct given {
	unsigned line; /* the first that gives the key, 0 for none */
	bool is_invalid;
};

struct reading {
	struct arena *memory;
	const char *name; /* of the file */
	FILE *stream;
	unsigned line; /* that was read last */
	bool is_over;  /* after an error: nothing more can be read */
	struct settings settings;
	struct settings_reports *reports;
	const struct settings_key *keys;
	size_t n_keys;
	struct given *given; /* for each key */
	bool is_skipping;    /* lines of an unknown section */
};

/* Line 0 is the file as a whole. */
__attribute__((format(printf, 3, 4))) static void report_at(struct reading *reading, unsigned line,
							    const char *format, ...)
{
	struct bytes text = BYTES_IN(reading->memory);
	va_list args;

	bytes_add_text(&text, reading->name);
	if (line)
		bytes_add_format(&text, ":%u", line);
	va_start(args, format);
	bytes_add_format(&text, ": %s", arena_vprintf(reading->memory, format, args));
	va_end(args);
	texts_add(&reading->reports->errors, bytes_text(&text));
}

static const struct settings_key *key_find(const struct reading *reading, const char *section,
					   const char *name)
{
	for (size_t i = 0; i < reading->n_keys; i++)
		if (text_equals(reading->keys[i].section, section) &&
		    text_equals(reading->keys[i].name, name))
			return &reading->keys[i];
	return NULL;
}

static struct given *given_of(const struct reading *reading, const char *section, const char *name)
{
	return &reading->given[key_find(reading, section, name) - reading->keys];
}

/* Returns the section that was most likely meant, or NULL. */
static const char *report_section(struct reading *reading, const char *name)
{
	const char *quoted = setting_quote(reading->memory, name), *meant = NULL, *last = "";
	struct bytes all = BYTES_IN(reading->memory);
	size_t fewest = SIMILAR_NEVER;

	for (size_t i = 0; i < reading->n_keys; i++) {
		const char *section = reading->keys[i].section;
		size_t mistakes = similar_mistakes(name, section);

		if (mistakes < fewest) {
			fewest = mistakes;
			meant = section;
		}
		if (!text_equals(section, last))
			bytes_add_format(&all, " [%s]", section);
		last = section;
	}
	if (meant)
		report_at(reading, reading->line, "there is no section %s; did you mean [%s]?",
			  quoted, meant);
	else
		report_at(reading, reading->line, "there is no section %s; the sections are%s",
			  quoted, bytes_text(&all));
	return meant;
}

/* An obsolete key is only warned of. One that was most likely meant does not get its default as
 * well. */
static void report_key(struct reading *reading, const char *section, const char *name)
{
	const char *quoted = setting_quote(reading->memory, name), *elsewhere = NULL;
	const struct settings_key *meant = NULL;
	struct bytes all = BYTES_IN(reading->memory);
	size_t fewest = SIMILAR_NEVER;
	unsigned line = reading->line;
	size_t count;
	const struct settings_obsolete_key *obsolete = settings_obsolete_keys(&count);

	for (; count > 0; count--, obsolete++)
		if (text_equals(obsolete->section, section) && text_equals(obsolete->name, name)) {
			texts_add(&reading->reports->warnings,
				  arena_printf(reading->memory,
					       "%s:%u: [%s] %s is obsolete, ignored; %s",
					       reading->name, line, section, name,
					       obsolete->remedy));
			return;
		}
	for (size_t i = 0; i < reading->n_keys; i++) {
		const struct settings_key *key = &reading->keys[i];
		size_t mistakes = similar_mistakes(name, key->name);

		if (!text_equals(key->section, section)) {
			if (text_equals(key->name, name))
				elsewhere = key->section;
			continue;
		}
		if (mistakes < fewest) {
			fewest = mistakes;
			meant = key;
		}
		bytes_add_format(&all, "%s%s", all.size ? ", " : "", key->name);
	}
	if (meant)
		reading->given[meant - reading->keys].is_invalid = true;
	if (!*section)
		report_at(reading, line, "key %s precedes all sections; write [%s] above it",
			  quoted, elsewhere ? elsewhere : reading->keys[0].section);
	else if (meant)
		report_at(reading, line, "there is no key %s in [%s]; did you mean %s?", quoted,
			  section, meant->name);
	else if (elsewhere)
		report_at(reading, line, "there is no key %s in [%s]; it belongs in [%s]", quoted,
			  section, elsewhere);
	else
		report_at(reading, line, "there is no key %s in [%s]; its keys are %s", quoted,
			  section, bytes_text(&all));
}

/* Either byte order, with or without a byte order mark: the first character is ASCII. */
static bool is_utf16(const char *line, size_t size)
{
	return size >= 2 && ((line[0] == '\xff' && line[1] == '\xfe') ||
			     (line[0] == '\xfe' && line[1] == '\xff') || !line[0] != !line[1]);
}

/*
 * Reads one line, which may end in CR LF. Returns it without its comment (from a ';' or '#' that
 * begins the line, from a ';' after whitespace) and without whitespace around it; "" if it is
 * invalid; NULL at the end.
 */
static const char *read_line(struct reading *reading)
{
	char buffer[LINE_MAX_LENGTH + 1], *line = buffer;
	size_t size = 0, length = 0;
	int c = 0;

	if (reading->is_over)
		return NULL;
	reading->line++;
	while (size <= LINE_MAX_LENGTH && (c = getc(reading->stream)) != EOF && c != '\n')
		buffer[size++] = (char)c;
	reading->is_over = true;
	if (size > LINE_MAX_LENGTH) {
		report_at(reading, reading->line,
			  "this line has more than %d bytes; check that this is a settings file",
			  LINE_MAX_LENGTH);
		return "";
	}
	if (c == EOF && ferror(reading->stream)) {
		report_at(reading, reading->line, "cannot read this line: %s", strerror(errno));
		return "";
	}
	if (c == EOF && size == 0)
		return NULL;
	if (reading->line == 1 && is_utf16(line, size)) {
		report_at(reading, 1, "the file is in UTF-16; save it in UTF-8");
		return "";
	}
	reading->is_over = false;

	if (size > 0 && line[size - 1] == '\r')
		size--;
	if (reading->line == 1 && size >= strlen(BYTE_ORDER_MARK) &&
	    memcmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
		line += strlen(BYTE_ORDER_MARK);
		size -= strlen(BYTE_ORDER_MARK);
	}
	if (!utf8_is_valid(line, size)) {
		report_at(reading, reading->line, "this line is not UTF-8; save the file in UTF-8");
		return "";
	}
	for (size_t i = 0; i < size; i++)
		if (char_is_control(line[i]) && line[i] != '\t') {
			report_at(reading, reading->line,
				  "this line has the control character 0x%02x; remove it",
				  (unsigned char)line[i]);
			return "";
		}

	for (; size > 0 && char_is_blank(line[0]); size--)
		line++;
	while (length < size && !(length == 0 && line[0] == '#') &&
	       !(line[length] == ';' && (length == 0 || char_is_blank(line[length - 1]))))
		length++;
	while (length > 0 && char_is_blank(line[length - 1]))
		length--;
	return arena_strndup(reading->memory, line, length);
}

/*
 * [server]
 *
 * The keys below an invalid line are checked too if it is clear which section was meant.
 */
static const char *check_section(struct reading *reading, const char *line)
{
	const char *end = strchrnul(line, ']');
	const char *name = arena_strndup(reading->memory, line + 1, (size_t)(end - line) - 1);
	bool is_known = false;

	for (size_t i = 0; i < reading->n_keys; i++)
		is_known |= text_equals(reading->keys[i].section, name);
	if (!*end)
		report_at(reading, reading->line, "section %s has no closing bracket; write [NAME]",
			  setting_quote(reading->memory, line));
	if (!is_known)
		name = *end ? report_section(reading, name) : NULL;
	else if (*end && end[1])
		report_at(reading, reading->line, "%s follows [%s]; write it on a line of its own",
			  setting_quote(reading->memory, end + 1), name);
	reading->is_skipping = !name;
	return name ? arena_printf(reading->memory, "[%s]", name) : "";
}

/*
 * threads = auto
 *
 * To inih a colon is as good as the equals sign; but in "listen-https [::]:443" the sign is
 * missing. Returns the line for inih, which is empty if it is invalid.
 */
static const char *check_line(struct reading *reading, const char *line, size_t limit)
{
	size_t key_length = strcspn(line, "=:"), length = strlen(line);

	if (*line == '[')
		return check_section(reading, line);
	if (!*line || reading->is_skipping)
		return "";
	if (key_length == 0 || line[key_length] != '=') {
		report_at(reading, reading->line, "%s is neither [SECTION] nor KEY = VALUE",
			  setting_quote(reading->memory, line));
		return "";
	}
	if (length > limit) {
		report_at(reading, reading->line,
			  "this line has %zu bytes without its comment, but at most %zu are "
			  "allowed; a list can continue on a second line that repeats its key",
			  length, limit);
		return "";
	}
	return line;
}

/* A binary file has as many errors as lines. */
static bool has_too_many_errors(const struct reading *reading)
{
	return reading->reports->errors.count >= SETTINGS_ERRORS_MAX;
}

/* Where inih was built with a buffer that grows, one that is full without a newline makes it read
 * on; so every line ends in one. */
static char *next_line(char *buffer, int size, void *context)
{
	struct reading *reading = context;
	const char *line = has_too_many_errors(reading) ? NULL : read_line(reading);

	if (!line)
		return NULL;
	line = check_line(reading, line, (size_t)size - strlen("\n") - 1);
	snprintf(buffer, (size_t)size, "%s\n", line);
	return buffer;
}

/* Returns 1, so that inih continues. */
static int read_value(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	const struct settings_key *key = key_find(reading, section, name);
	const char *sign = strchr(value, '#');
	struct given *given;
	struct error err;

	if (!key) {
		report_key(reading, section, name);
		return 1;
	}
	given = &reading->given[key - reading->keys];
	if (given->line && key->kind != SETTING_LIST) {
		report_at(reading, reading->line,
			  "[%s] %s: line %u sets it already; remove one of the two", section, name,
			  given->line);
		return 1;
	}
	if (!given->line)
		given->line = reading->line;
	while (sign && sign > value && !char_is_blank(sign[-1]))
		sign = strchr(sign + 1, '#');
	if (sign)
		error_set(&err, ERROR_CONFIG,
			  "a comment after a value begins with ';', not with '#'");
	else if (setting_parse(reading->memory, key, value, &reading->settings, &err) == 0)
		return 1;
	given->is_invalid = true;
	report_at(reading, reading->line, "[%s] %s: %s", section, name,
		  error_line(reading->memory, &err));
	return 1;
}

/* A default can be invalid beside what the file says: listen-http may have taken the port. */
static void put_defaults(struct reading *reading)
{
	for (size_t i = 0; i < reading->n_keys; i++) {
		const struct settings_key *key = &reading->keys[i];
		struct error err;

		if (!reading->given[i].line && !reading->given[i].is_invalid &&
		    setting_parse(reading->memory, key, key->text, &reading->settings, &err) < 0)
			report_at(reading, 0, "[%s] %s (default: %s): %s", key->section, key->name,
				  key->text, error_line(reading->memory, &err));
	}
}

/* What settings must be beside each other. */
static void check_settings(struct reading *reading)
{
	const struct settings *settings = &reading->settings;
	const struct texts *networks = &settings->server.trusted_proxies;
	const struct given *https = given_of(reading, "server", "listen-https");
	const struct given *certificate = given_of(reading, "profile", "certificate");
	const struct given *key = given_of(reading, "profile", "key");
	bool has_https = https->is_invalid || settings->server.listen_https.count > 0;
	size_t size = 0;

	if (!has_https && !given_of(reading, "server", "listen-http")->is_invalid &&
	    !given_of(reading, "server", "behind-proxy")->is_invalid &&
	    settings->server.listen_http.count == 0 && settings->server.behind_proxy.count == 0)
		report_at(reading, https->line,
			  "[server] listen-https, listen-http and behind-proxy are all empty; give "
			  "one of them an ADDRESS:PORT, such as [::]:443");
	if (!has_https && settings->server.redirect == REDIRECT_SAME_HOST)
		report_at(reading, given_of(reading, "server", "redirect")->line,
			  "[server] redirect: same-host redirects to names that listen-https has a "
			  "certificate for, but listen-https is empty; write public-name");
	for (size_t i = 0; i < networks->count; i++)
		size += strlen(networks->items[i]) + 1;
	if (size >= SETTINGS_NETWORKS_MAX)
		report_at(reading, given_of(reading, "server", "trusted-proxies")->line,
			  "[server] trusted-proxies has more than the %d bytes that are allowed; "
			  "write fewer, larger networks",
			  SETTINGS_NETWORKS_MAX - 2);
	if (certificate->is_invalid || key->is_invalid)
		return;
	if (*settings->profile.certificate && !*settings->profile.key)
		report_at(reading, certificate->line,
			  "[profile] certificate is set without key; set both to sign profiles, or "
			  "neither");
	if (*settings->profile.key && !*settings->profile.certificate)
		report_at(reading, key->line,
			  "[profile] key is set without certificate; set both to sign profiles, or "
			  "neither");
}

int settings_read(struct arena *memory, FILE *stream, const char *name,
		  struct settings *ret_settings, struct settings_reports *ret_reports)
{
	struct reading reading = {
		.memory = memory,
		.name = name,
		.stream = stream,
		.reports = ret_reports,
	};
	int r;

	*ret_reports = (struct settings_reports){ TEXTS_IN(memory), TEXTS_IN(memory) };
	reading.keys = settings_keys(&reading.n_keys);
	reading.given = arena_array(memory, struct given, reading.n_keys);
	r = ini_parse_stream(next_line, &reading, read_value, &reading);
	if (has_too_many_errors(&reading)) {
		report_at(&reading, 0, "too many errors; the rest of the file was not checked");
		return -1;
	}
	if (r != 0)
		report_at(&reading, 0, "inih cannot read the file (%d)", r);
	put_defaults(&reading);
	check_settings(&reading);
	if (ret_reports->errors.count > 0)
		return -1;
	*ret_settings = reading.settings;
	return 0;
}

int settings_load(struct arena *memory, const char *path, struct settings *ret_settings,
		  struct settings_reports *ret_reports)
{
	_cleanup_(fclosep) FILE *stream = fopen(path, "re");
	const char *reason = NULL;
	struct stat status;

	if (!stream || fstat(fileno(stream), &status) < 0)
		reason = strerror(errno);
	else if (S_ISDIR(status.st_mode))
		reason = "it is a directory";
	if (!reason)
		return settings_read(memory, stream, path, ret_settings, ret_reports);
	*ret_reports = (struct settings_reports){ TEXTS_IN(memory), TEXTS_IN(memory) };
	texts_add(&ret_reports->errors,
		  arena_printf(memory, "cannot read the settings file '%s': %s", path, reason));
	return -1;
}
