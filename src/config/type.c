#include "config/type.h"

#include "config/settings.h"
#include "mail/url.h"
#include "tls/priorities.h"
#include "util/idna.h"
#include "util/log.h"
#include "util/network.h"
#include "util/socket-address.h"
#include "util/string-list.h"
#include "util/unix-socket.h"

#define QUOTE_MAX_LENGTH 64
#define URL_MAX_LENGTH 1000

/* Choices are stored through the same pointer as numbers. */
_Static_assert(sizeof(enum unknown_name) == sizeof(unsigned), "an enum is not an unsigned");
_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "an enum is not an unsigned");
_Static_assert(sizeof(enum log_format) == sizeof(unsigned), "an enum is not an unsigned");
_Static_assert(sizeof(enum log_addresses) == sizeof(unsigned), "an enum is not an unsigned");

const char *setting_quote(struct arena *memory, const char *text)
{
	if (strlen(text) > QUOTE_MAX_LENGTH)
		text = arena_printf(memory, "%.*s...", QUOTE_MAX_LENGTH, text);
	return log_quote(memory, text);
}

static int reject_value(struct arena *memory, const struct settings_key *key, const char *text,
			struct error *err)
{
	return error_set(err, ERROR_CONFIG, "%s is not allowed; write %s",
			 setting_quote(memory, text), key->allowed);
}

static void *member_of(struct settings *settings, const struct settings_key *key)
{
	return (char *)settings + key->place;
}

static void put_text(struct settings *settings, const struct settings_key *key, const char *text)
{
	*(const char **)member_of(settings, key) = text;
}

static void put_number(struct settings *settings, const struct settings_key *key,
		       unsigned long number)
{
	unsigned value = (unsigned)number;

	memcpy(member_of(settings, key), &value, sizeof(value));
}

static bool text_values_equal(const void *a, const void *b)
{
	return text_equals(*(const char *const *)a, *(const char *const *)b);
}

static bool number_values_equal(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(unsigned)) == 0;
}

static bool word_values_equal(const void *a, const void *b)
{
	const struct texts *left = a, *right = b;

	if (left->count != right->count)
		return false;
	for (size_t i = 0; i < left->count; i++)
		if (!text_equals(left->items[i], right->items[i]))
			return false;
	return true;
}

/* Takes the first word off the text. Returns NULL when none is left. */
static const char *next_word(struct arena *memory, const char **text)
{
	const char *word = *text + strspn(*text, " \t");
	size_t length = strcspn(word, " \t");

	*text = word + length;
	return length ? arena_strndup(memory, word, length) : NULL;
}

static void add_word(struct arena *memory, struct texts *words, const char *word)
{
	words->memory = memory;
	texts_add(words, word);
}

static int host_name_parse(struct arena *memory, const struct settings_key *key, const char *text,
			   struct settings *settings, struct error *err)
{
	const char *name = *text ? idna_to_ascii(memory, text) : "";

	if (!name)
		return reject_value(memory, key, text, err);
	put_text(settings, key, name);
	return 0;
}

static int public_name_setting_parse(struct arena *memory, const struct settings_key *key,
				     const char *text, struct settings *settings, struct error *err)
{
	const char *name = *text ? public_name_parse(memory, text) : "";

	if (!name)
		return reject_value(memory, key, text, err);
	put_text(settings, key, name);
	return 0;
}

static int reject_repeated_word(struct arena *memory, const char *word, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "%s is listed twice", setting_quote(memory, word));
}

/* The kernel lets a listener with TLS and one without have the same address (SO_REUSEPORT), and
 * deals connections out to both: every second client would fail. 0.0.0.0 beside [::] in one list
 * does no harm. */
static int check_listen_clash(struct arena *memory, const struct settings *settings,
			      const struct texts *own, const char *word,
			      const struct sockaddr_storage *address, struct error *err)
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

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const struct texts *words = lists[i].words;

		for (size_t j = 0; j < words->count; j++) {
			struct sockaddr_storage other;

			if (unix_socket_path(words->items[j]))
				continue;
			if (socket_address_parse(words->items[j], &other, err) < 0)
				return -1;
			if (words == own && socket_address_equals(address, &other))
				return reject_repeated_word(memory, word, err);
			if (words != own && socket_address_overlaps(address, &other))
				return error_set(err, ERROR_CONFIG,
						 "%s is taken by %s of %s already; give one of the "
						 "two another port",
						 setting_quote(memory, word),
						 setting_quote(memory, words->items[j]),
						 lists[i].name);
		}
	}
	return 0;
}

static int add_address(struct arena *memory, struct texts *words, const char *word,
		       const struct settings *settings, struct error *err)
{
	struct sockaddr_storage address;

	if (socket_address_parse(word, &address, err) < 0 ||
	    check_listen_clash(memory, settings, words, word, &address, err) < 0)
		return -1;
	add_word(memory, words, word);
	return 0;
}

static int listen_parse(struct arena *memory, const struct settings_key *key, const char *text,
			struct settings *settings, struct error *err)
{
	const char *word;

	while ((word = next_word(memory, &text)))
		if (add_address(memory, member_of(settings, key), word, settings, err) < 0)
			return -1;
	return 0;
}

static int add_unix_socket(struct arena *memory, struct texts *words, const char *word,
			   struct error *err)
{
	const char *path = unix_socket_path(word);

	if (path[0] != '/')
		return error_set(err, ERROR_CONFIG,
				 "%s has no absolute path; write it as in "
				 "unix:/run/mailconfd/proxy.socket",
				 setting_quote(memory, word));
	if (strlen(path) > UNIX_SOCKET_PATH_MAX)
		return error_set(err, ERROR_CONFIG,
				 "%s is too long for a unix socket, whose path may have %zu bytes",
				 setting_quote(memory, word), UNIX_SOCKET_PATH_MAX);
	for (size_t i = 0; i < words->count; i++)
		if (text_equals(words->items[i], word))
			return reject_repeated_word(memory, word, err);
	add_word(memory, words, word);
	return 0;
}

static int proxy_listen_parse(struct arena *memory, const struct settings_key *key,
			      const char *text, struct settings *settings, struct error *err)
{
	struct texts *words = member_of(settings, key);
	const char *word;

	while ((word = next_word(memory, &text)))
		if ((unix_socket_path(word) ? add_unix_socket(memory, words, word, err)
					    : add_address(memory, words, word, settings, err)) < 0)
			return -1;
	return 0;
}

static int networks_parse(struct arena *memory, const struct settings_key *key, const char *text,
			  struct settings *settings, struct error *err)
{
	struct texts *words = member_of(settings, key);
	const char *word;

	while ((word = next_word(memory, &text))) {
		if (networks_check(memory, word, err) < 0) {
			err->kind = ERROR_CONFIG;
			return -1;
		}
		add_word(memory, words, word);
	}
	return 0;
}

static int globs_parse(struct arena *memory, const struct settings_key *key, const char *text,
		       struct settings *settings, struct error *err)
{
	struct texts *words = member_of(settings, key);
	const char *word;

	if (!*text)
		return reject_value(memory, key, text, err);
	while ((word = next_word(memory, &text))) {
		if (word[0] != '/')
			return reject_value(memory, key, word, err);
		add_word(memory, words, word);
	}
	return 0;
}

static int path_parse(struct arena *memory, const struct settings_key *key, const char *text,
		      struct settings *settings, struct error *err)
{
	if (text[0] != '/')
		return reject_value(memory, key, text, err);
	put_text(settings, key, arena_strdup(memory, text));
	return 0;
}

static int optional_path_parse(struct arena *memory, const struct settings_key *key,
			       const char *text, struct settings *settings, struct error *err)
{
	if (*text)
		return path_parse(memory, key, text, settings, err);
	put_text(settings, key, "");
	return 0;
}

static int priorities_parse(struct arena *memory, const struct settings_key *key, const char *text,
			    struct settings *settings, struct error *err)
{
	if (*text && priorities_check(memory, text, err) < 0)
		return error_prefix(err, "%s is invalid", setting_quote(memory, text));
	put_text(settings, key, arena_strdup(memory, text));
	return 0;
}

/* What may follow a number, and what it multiplies it with. */
struct unit {
	const char *name;
	unsigned factor; /* 0 ends a list */
};

static int number_setting_parse(struct arena *memory, const struct settings_key *key,
				const char *text, struct settings *settings, struct error *err)
{
	const char *digits = arena_strndup(memory, text, strspn(text, "0123456789"));
	unsigned long number;

	for (const struct unit *unit = key->type->units; unit->factor; unit++) {
		if (!text_equals(text + strlen(digits), unit->name) ||
		    !number_parse(digits, key->low, key->high / unit->factor, &number))
			continue;
		put_number(settings, key, number * unit->factor);
		return 0;
	}
	return reject_value(memory, key, text, err);
}

static int threads_parse(struct arena *memory, const struct settings_key *key, const char *text,
			 struct settings *settings, struct error *err)
{
	if (!text_equals(text, "auto"))
		return number_setting_parse(memory, key, text, settings, err);
	put_number(settings, key, 0);
	return 0;
}

/* 0 needs no unit. */
static int milliseconds_parse(struct arena *memory, const struct settings_key *key,
			      const char *text, struct settings *settings, struct error *err)
{
	return number_setting_parse(memory, key, text_equals(text, "0") ? "0ms" : text, settings,
				    err);
}

/* The key allows "refuse | default"; the first of them is 0, as in its enum. */
static int choice_parse(struct arena *memory, const struct settings_key *key, const char *text,
			struct settings *settings, struct error *err)
{
	const char *rest = key->allowed, *word;
	unsigned number = 0;

	while ((word = next_word(memory, &rest))) {
		if (text_equals(word, "|"))
			continue;
		if (text_equals(word, text)) {
			put_number(settings, key, number);
			return 0;
		}
		number++;
	}
	return reject_value(memory, key, text, err);
}

static int https_url_parse(struct arena *memory, const struct settings_key *key, const char *text,
			   struct settings *settings, struct error *err)
{
	size_t scheme = strlen("https://"), length = strlen(text);

	if (!text_starts_with_ignoring_case(text, "https://") ||
	    strcspn(text + scheme, "/?#") == 0 || strcspn(text, " \t\"'") < length ||
	    length > URL_MAX_LENGTH)
		return reject_value(memory, key, text, err);
	put_text(settings, key, arena_strdup(memory, text));
	return 0;
}

static const struct unit no_unit[] = { { "", 1 }, { NULL, 0 } };
static const struct unit percent[] = { { "%", 1 }, { NULL, 0 } };
static const struct unit seconds[] = { { "", 1 }, { "s", 1 }, { NULL, 0 } };
static const struct unit milliseconds[] = { { "ms", 1 }, { "s", 1000 }, { NULL, 0 } };

#define TEXT_VALUE(parse_function)                                   \
	{                                                            \
		.parse = parse_function, .equals = text_values_equal \
	}
#define LIST_VALUE(parse_function)                                                    \
	{                                                                             \
		.parse = parse_function, .equals = word_values_equal, .is_list = true \
	}
#define NUMBER_VALUE(parse_function, units_)                                            \
	{                                                                               \
		.parse = parse_function, .equals = number_values_equal, .units = units_ \
	}

const struct setting_type setting_public_name = TEXT_VALUE(public_name_setting_parse);
const struct setting_type setting_host_name = TEXT_VALUE(host_name_parse);
const struct setting_type setting_path = TEXT_VALUE(path_parse);
const struct setting_type setting_optional_path = TEXT_VALUE(optional_path_parse);
const struct setting_type setting_https_url = TEXT_VALUE(https_url_parse);
const struct setting_type setting_priorities = TEXT_VALUE(priorities_parse);
const struct setting_type setting_listen = LIST_VALUE(listen_parse);
const struct setting_type setting_proxy_listen = LIST_VALUE(proxy_listen_parse);
const struct setting_type setting_networks = LIST_VALUE(networks_parse);
const struct setting_type setting_globs = LIST_VALUE(globs_parse);
const struct setting_type setting_choice = NUMBER_VALUE(choice_parse, NULL);
const struct setting_type setting_threads = NUMBER_VALUE(threads_parse, no_unit);
const struct setting_type setting_number = NUMBER_VALUE(number_setting_parse, no_unit);
const struct setting_type setting_percent = NUMBER_VALUE(number_setting_parse, percent);
const struct setting_type setting_seconds = NUMBER_VALUE(number_setting_parse, seconds);
const struct setting_type setting_milliseconds = NUMBER_VALUE(milliseconds_parse, milliseconds);
