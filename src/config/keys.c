#include "config/settings.h"

#include "mail/url.h"
#include "tls/priorities.h"
#include "util/idna.h"
#include "util/log.h"
#include "util/network.h"
#include "util/socket-address.h"
#include "util/unix-socket.h"

#define QUOTE_MAX_LENGTH 64

/* Choices are stored through the same pointer as numbers. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "an enum is not an unsigned");

/* What may follow a number, and what it multiplies it with. */
struct unit {
	const char *name;
	unsigned factor; /* 0 ends a list */
};

static const struct unit no_unit[] = { { "", 1 }, { NULL, 0 } };
static const struct unit percent[] = { { "%", 1 }, { NULL, 0 } };
static const struct unit seconds[] = { { "", 1 }, { "s", 1 }, { NULL, 0 } };
static const struct unit milliseconds[] = { { "ms", 1 }, { "s", 1000 }, { NULL, 0 } };

const char *setting_quote(struct arena *memory, const char *text)
{
	if (strlen(text) > QUOTE_MAX_LENGTH)
		text = arena_printf(memory, "%.*s...", QUOTE_MAX_LENGTH, text);
	return log_quote(memory, text);
}

static int reject_repeated_word(struct arena *memory, const char *word, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "%s is listed twice", setting_quote(memory, word));
}

/* The kernel lets a listener with TLS and one without have the same address (SO_REUSEPORT), and
 * deals connections out to both: every second client would fail. 0.0.0.0 beside [::] in one list
 * does no harm. */
static int check_address(struct arena *memory, const struct settings *settings,
			 const struct texts *own, const char *word, struct error *err)
{
	const struct {
		const char *name;
		const struct texts *words;
	} lists[] = {
		{ "listen-https", &settings->server.listen_https },
		{ "listen-http", &settings->server.listen_http },
		{ "behind-proxy", &settings->server.behind_proxy },
		{ "[metrics] listen", &settings->metrics.listen },
	};
	struct sockaddr_storage address, other;

	if (socket_address_parse(word, &address, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const struct texts *words = lists[i].words;

		for (size_t j = 0; j < words->count; j++) {
			if (unix_socket_path(words->items[j]))
				continue;
			if (socket_address_parse(words->items[j], &other, err) < 0)
				return -1;
			if (words == own && socket_address_equals(&address, &other))
				return reject_repeated_word(memory, word, err);
			if (words == own || !socket_address_overlaps(&address, &other))
				continue;
			error_set(err, ERROR_CONFIG, "%s is taken by %s of %s already",
				  setting_quote(memory, word),
				  setting_quote(memory, words->items[j]), lists[i].name);
			return error_hint(err, "give one of the two another port");
		}
	}
	return 0;
}

static int check_address_or_unix(struct arena *memory, const struct settings *settings,
				 const struct texts *own, const char *word, struct error *err)
{
	const char *path = unix_socket_path(word);

	if (!path)
		return check_address(memory, settings, own, word, err);
	if (path[0] != '/') {
		error_set(err, ERROR_CONFIG, "%s has no absolute path",
			  setting_quote(memory, word));
		return error_hint(err, "write it as in unix:/run/mailconfd/proxy.socket");
	}
	if (strlen(path) > UNIX_SOCKET_PATH_MAX)
		return error_set(err, ERROR_CONFIG,
				 "%s is too long for a unix socket, whose path may have %zu bytes",
				 setting_quote(memory, word), UNIX_SOCKET_PATH_MAX);
	return texts_has(own, word) ? reject_repeated_word(memory, word, err) : 0;
}

static int check_network(struct arena *memory, const struct settings *settings,
			 const struct texts *own, const char *word, struct error *err)
{
	return networks_check(memory, word, err);
}

static int check_glob(struct arena *memory, const struct settings *settings,
		      const struct texts *own, const char *word, struct error *err)
{
	return word[0] == '/' ? 0 : -1;
}

static const char *parse_host_name(struct arena *memory, const char *text, struct error *err)
{
	return idna_to_ascii(memory, text);
}

static const char *parse_public_name(struct arena *memory, const char *text, struct error *err)
{
	return public_name_parse(memory, text);
}

static const char *parse_path(struct arena *memory, const char *text, struct error *err)
{
	return text[0] == '/' ? text : NULL;
}

static const char *parse_https_url(struct arena *memory, const char *text, struct error *err)
{
	size_t scheme = strlen("https://"), length = strlen(text);

	if (!text_starts_with_ignoring_case(text, "https://") ||
	    strcspn(text + scheme, "/?#") == 0 || strcspn(text, " \t\"'") < length ||
	    length > URL_MAX_LENGTH)
		return NULL;
	return text;
}

static const char *parse_priorities(struct arena *memory, const char *text, struct error *err)
{
	if (priorities_check(memory, text, err) == 0)
		return text;
	error_prefix(err, "%s is invalid", setting_quote(memory, text));
	return NULL;
}

#define PLACE(member) .place = offsetof(struct settings, member)
#define TEXT(member, parse_function) .kind = SETTING_TEXT, PLACE(member), .parse = parse_function
#define LIST(member, check_function) .kind = SETTING_LIST, PLACE(member), .check = check_function
#define NUMBER(member, units_, low_, high_) \
	.kind = SETTING_NUMBER, PLACE(member), .units = units_, .low = low_, .high = high_
#define CHOICE(member, words) .kind = SETTING_CHOICE, PLACE(member), .allowed = words

#define OPTIONAL_TEXT(member, parse_function) TEXT(member, parse_function), .is_optional = true
#define OPTIONAL_PATH(member) \
	OPTIONAL_TEXT(member, parse_path), .allowed = "an absolute path, or nothing"
#define OPTIONAL_LIST(member, check_function) LIST(member, check_function), .is_optional = true
#define SECONDS(member, low, high) \
	NUMBER(member, seconds, low, high), .allowed = "a time from " #low "s to " #high "s"
#define COUNT(member, low, high) \
	NUMBER(member, no_unit, low, high), .allowed = "a number from " #low " to " #high

static const struct settings_key keys[] = {
	{ "server", "public-name", "", OPTIONAL_TEXT(server.public_name, parse_public_name),
	  .allowed = "a host name such as autoconfig.example.org, with :PORT where it is not 443" },
	{ "server", "listen-https", "[::]:443", OPTIONAL_LIST(server.listen_https, check_address),
	  .needs_restart = true },
	{ "server", "listen-http", "", OPTIONAL_LIST(server.listen_http, check_address),
	  .needs_restart = true },
	{ "server", "http-autoconfig", "no", CHOICE(server.http_autoconfig, "no | yes") },
	{ "server", "redirect", "public-name", CHOICE(server.redirect, "public-name | same-host") },
	{ "server", "behind-proxy", "", OPTIONAL_LIST(server.behind_proxy, check_address_or_unix),
	  .needs_restart = true },
	{ "server", "trusted-proxies", "127.0.0.0/8 ::1",
	  OPTIONAL_LIST(server.trusted_proxies, check_network) },
	{ "server", "threads", "auto", NUMBER(server.threads, no_unit, 1, 256), .zero = "auto",
	  .allowed = "auto, or a number from 1 to 256", .needs_restart = true },
	{ "tls", "certificates", "/etc/mailconfd/certificates/*.pem",
	  LIST(tls.certificates, check_glob),
	  .allowed = "absolute paths, such as /etc/mailconfd/certificates/*.pem" },
	{ "tls", "default-certificate", "", OPTIONAL_TEXT(tls.default_certificate, parse_host_name),
	  .allowed = "a host name that a certificate is for, such as autoconfig.example.org" },
	{ "tls", "unknown-name", "refuse", CHOICE(tls.unknown_name, "refuse | default") },
	{ "tls", "priorities", "", OPTIONAL_TEXT(tls.priorities, parse_priorities),
	  .needs_restart = true },
	{ "database", "file", "/var/lib/mailconfd/mailconfd.db", TEXT(database.file, parse_path),
	  .allowed = "an absolute path, such as /var/lib/mailconfd/mailconfd.db",
	  .needs_restart = true },
	{ "database", "lock-timeout", "20s", SECONDS(database.lock_timeout, 1, 3600) },
	{ "templates", "directory", "", OPTIONAL_PATH(templates.directory) },
	{ "acme", "directory", SETTINGS_ACME_DIRECTORY, OPTIONAL_PATH(acme.directory) },
	{ "acme", "server", "https://acme-v02.api.letsencrypt.org/directory",
	  TEXT(acme.server, parse_https_url),
	  .allowed = "the https URL of the directory of an ACME server" },
	{ "acme", "request-missing", "no", CHOICE(acme.request_missing, "no | yes") },
	{ "acme", "dns-hook", "", OPTIONAL_TEXT(acme.dns_hook, parse_path),
	  .allowed = "the absolute path of a program, or nothing" },
	{ "profile", "certificate", "", OPTIONAL_PATH(profile.certificate) },
	{ "profile", "key", "", OPTIONAL_PATH(profile.key) },
	{ "log", "level", "info", CHOICE(log.level, "error | warning | info | debug") },
	{ "log", "format", "text", CHOICE(log.format, "text | json") },
	{ "log", "addresses", "domain", CHOICE(log.addresses, "none | domain | hash | full") },
	{ "log", "slow", "500ms", NUMBER(log.slow, milliseconds, 0, 600000), .zero = "0",
	  .allowed = "a time such as 500ms or 2s, or 0 for never" },
	{ "log", "trace", "", OPTIONAL_LIST(log.trace, check_network) },
	{ "metrics", "listen", "", OPTIONAL_LIST(metrics.listen, check_address_or_unix),
	  .needs_restart = true },
	{ "sandbox", "require", "no", CHOICE(sandbox.require, "no | yes"), .needs_restart = true },
	{ "limits", "handshake-timeout", "10s", SECONDS(limits.handshake_timeout, 1, 300) },
	{ "limits", "idle-timeout", "30s", SECONDS(limits.idle_timeout, 1, 3600),
	  .needs_restart = true },
	{ "limits", "connections", "20000", COUNT(limits.connections, 16, 1000000),
	  .needs_restart = true },
	{ "limits", "connections-per-network", "25%",
	  NUMBER(limits.connections_per_network, percent, 1, 100),
	  .allowed = "a share from 1% to 100%" },
	{ "limits", "requests-per-second", "50", COUNT(limits.requests_per_second, 0, 100000) },
	{ "limits", "requests-at-once", "500", COUNT(limits.requests_at_once, 1, 100000) },
	{ "limits", "addresses-per-network", "500",
	  NUMBER(limits.addresses_per_network, no_unit, 0, ADDRESSES_PER_NETWORK_MAX),
	  .allowed = "a number from 0 to 1000" },
	{ "limits", "trusted", "127.0.0.0/8 ::1", OPTIONAL_LIST(limits.trusted, check_network) },
};

#define KEYS (sizeof(keys) / sizeof(*keys))

#define FIXED_NETWORKS                                                                   \
	"remove this line, because the limits apply to networks of fixed sizes; change " \
	"addresses-per-network or requests-per-second to scale them"

static const struct settings_obsolete_key obsolete_keys[] = {
	{ "limits", "ipv4-network", FIXED_NETWORKS },
	{ "limits", "ipv6-network", FIXED_NETWORKS },
};

const struct settings_key *settings_keys(size_t *ret_count)
{
	*ret_count = KEYS;
	return keys;
}

const struct settings_obsolete_key *settings_obsolete_keys(size_t *ret_count)
{
	*ret_count = sizeof(obsolete_keys) / sizeof(*obsolete_keys);
	return obsolete_keys;
}

/* Takes the first word off the text. Returns NULL when none is left. */
static const char *next_word(struct arena *memory, const char **text)
{
	const char *word = *text + strspn(*text, " \t");
	size_t length = strcspn(word, " \t");

	*text = word + length;
	return length ? arena_strndup(memory, word, length) : NULL;
}

/* The error unless a check has a better one. */
static int reject_value(struct arena *memory, const struct settings_key *key, const char *text,
			struct error *err)
{
	error_set(err, ERROR_CONFIG, "%s is not allowed", setting_quote(memory, text));
	return key->allowed ? error_hint(err, "write %s", key->allowed) : -1;
}

static int parse_number(struct arena *memory, const struct settings_key *key, const char *text,
			unsigned *ret_number)
{
	const char *digits = arena_strndup(memory, text, strspn(text, "0123456789"));
	unsigned long number;

	if (key->zero && text_equals(text, key->zero)) {
		*ret_number = 0;
		return 0;
	}
	for (const struct unit *unit = key->units; unit->factor; unit++)
		if (text_equals(text + strlen(digits), unit->name) &&
		    number_parse(digits, key->low, key->high / unit->factor, &number)) {
			*ret_number = (unsigned)number * unit->factor;
			return 0;
		}
	return -1;
}

/* The key allows "refuse | default"; the first of them is 0, as in its enum. */
static int parse_choice(struct arena *memory, const struct settings_key *key, const char *text,
			unsigned *ret_number)
{
	const char *rest = key->allowed, *word;

	for (unsigned number = 0; (word = next_word(memory, &rest)); number++) {
		if (text_equals(word, text)) {
			*ret_number = number;
			return 0;
		}
		next_word(memory, &rest); /* the bar */
	}
	return -1;
}

int setting_parse(struct arena *memory, const struct settings_key *key, const char *text,
		  struct settings *settings, struct error *err)
{
	void *place = (char *)settings + key->place;
	struct texts *words = place;
	const char *word;

	if (!*text && key->is_optional) {
		if (key->kind == SETTING_TEXT)
			*(const char **)place = "";
		return 0;
	}
	reject_value(memory, key, text, err);
	switch (key->kind) {
	case SETTING_TEXT:
		word = key->parse(memory, text, err);
		if (!word)
			return -1;
		*(const char **)place = arena_strdup(memory, word);
		return 0;
	case SETTING_LIST:
		if (!*text && !key->is_optional)
			return -1;
		words->memory = memory;
		while ((word = next_word(memory, &text))) {
			reject_value(memory, key, word, err);
			if (key->check(memory, settings, words, word, err) < 0)
				return -1;
			texts_add(words, word);
		}
		return 0;
	case SETTING_NUMBER:
		return parse_number(memory, key, text, place);
	case SETTING_CHOICE:
		return parse_choice(memory, key, text, place);
	}
	return -1;
}

bool settings_differ(const struct settings_key *key, const struct settings *a,
		     const struct settings *b)
{
	const void *left = (const char *)a + key->place, *right = (const char *)b + key->place;
	const struct texts *words = left, *others = right;

	if (key->kind == SETTING_TEXT)
		return !text_equals(*(const char *const *)left, *(const char *const *)right);
	if (key->kind != SETTING_LIST)
		return memcmp(left, right, sizeof(unsigned)) != 0;
	if (words->count != others->count)
		return true;
	for (size_t i = 0; i < words->count; i++)
		if (!text_equals(words->items[i], others->items[i]))
			return true;
	return false;
}

void settings_default(struct arena *memory, struct settings *ret_settings)
{
	struct settings settings = { 0 };
	struct error err;

	for (size_t i = 0; i < KEYS; i++)
		if (setting_parse(memory, &keys[i], keys[i].text, &settings, &err) < 0)
			abort();
	*ret_settings = settings;
}
