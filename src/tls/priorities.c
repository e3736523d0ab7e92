#include "tls/priorities.h"

#include <gnutls/gnutls.h>

DEFINE_CLEANUP(gnutls_priority_t, gnutls_priority_deinit);

/* The kinds of words in a priority string, in the order in which they are written. */
enum word_kind { KIND_VERSION, KIND_EXCHANGE, KIND_CIPHER, KINDS };

/* A part of what OpenSSL, nginx or IANA write, and what GnuTLS calls it. */
struct translation {
	const char *part;
	enum word_kind kind;
	const char *gnutls;
};

static const struct translation translations[] = {
	{ "TLSv1.2", KIND_VERSION, "+VERS-TLS1.2" },
	{ "TLSv1.3", KIND_VERSION, "+VERS-TLS1.3" },
	{ "ECDHE-ECDSA-", KIND_EXCHANGE, "+ECDHE-ECDSA" },
	{ "ECDHE_ECDSA_", KIND_EXCHANGE, "+ECDHE-ECDSA" },
	{ "ECDHE-RSA-", KIND_EXCHANGE, "+ECDHE-RSA" },
	{ "ECDHE_RSA_", KIND_EXCHANGE, "+ECDHE-RSA" },
	{ "AES128-GCM", KIND_CIPHER, "+AES-128-GCM" },
	{ "AES_128_GCM", KIND_CIPHER, "+AES-128-GCM" },
	{ "AES256-GCM", KIND_CIPHER, "+AES-256-GCM" },
	{ "AES_256_GCM", KIND_CIPHER, "+AES-256-GCM" },
	{ "CHACHA20", KIND_CIPHER, "+CHACHA20-POLY1305" },
};

/* Words and parts of words that show the syntax of OpenSSL, and have no equivalent: what they
 * enable is in the default, or weak. */
static const char *const other_words[] = { "HIGH", "MEDIUM", "LOW",   "DEFAULT", "ALL",
					   "all",  "aNULL",  "eNULL", "EECDH",	 "ECDHE" };
static const char *const other_parts[] = { "SSLv", "TLSv", "TLS_", "-SHA", "@" };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *priorities_string(struct arena *memory, const char *setting)
{
	if (!*setting)
		return PRIORITIES_DEFAULT;
	if (strchr("+-!%", *setting))
		return arena_printf(memory, "%s:%s", PRIORITIES_DEFAULT, setting);
	return setting;
}

static bool is_of_openssl(const char *word)
{
	for (size_t i = 0; i < COUNT(translations); i++)
		if (strstr(word, translations[i].part))
			return true;
	for (size_t i = 0; i < COUNT(other_parts); i++)
		if (strstr(word, other_parts[i]))
			return true;
	word += strspn(word, "!+-");
	for (size_t i = 0; i < COUNT(other_words); i++)
		if (text_equals(word, other_words[i]))
			return true;
	return false;
}

/* ECDHE-RSA-AES128-GCM-SHA256:!aNULL is -KX-ALL:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM. */
static const char *translate_openssl(struct arena *memory, const char *setting)
{
	static const char *const none[KINDS] = { "-VERS-ALL", "-KX-ALL", "-CIPHER-ALL" };
	struct bytes found[KINDS] = { BYTES_IN(memory), BYTES_IN(memory), BYTES_IN(memory) };
	struct bytes all = BYTES_IN(memory);
	char *rest = arena_strdup(memory, setting), *word;

	while ((word = strsep(&rest, ":, \t"))) {
		/* What '!' and '-' switch off is off by default. */
		for (size_t i = 0; *word != '!' && *word != '-' && i < COUNT(translations); i++) {
			const struct translation *translation = &translations[i];
			struct bytes *kind = &found[translation->kind];

			if (strstr(word, translation->part) &&
			    !strstr(bytes_text(kind), translation->gnutls))
				bytes_add_format(kind, ":%s", translation->gnutls);
		}
	}
	for (size_t i = 0; i < KINDS; i++)
		if (found[i].size > 0)
			bytes_add_format(&all, "%s%s%s", all.size ? ":" : "", none[i],
					 bytes_text(&found[i]));
	return bytes_text(&all);
}

/* position is in the string that was made of the setting. */
static int reject_setting(struct arena *memory, const char *setting, const char *string,
			  const char *position, int reason, struct error *err)
{
	const char *word = arena_strndup(memory, position, strcspn(position, ":, \t"));

	if (reason == GNUTLS_E_NO_PRIORITIES_WERE_SET)
		return error_set(err, ERROR_CONFIG,
				 "it leaves no TLS version, cipher suite or group");
	if (reason != GNUTLS_E_INVALID_REQUEST)
		return error_set(err, ERROR_CONFIG, "GnuTLS rejects it: %s",
				 gnutls_strerror(reason));
	if (is_of_openssl(word)) {
		const char *translation = translate_openssl(memory, setting);

		error_set(err, ERROR_CONFIG, "it is in the syntax of OpenSSL");
		return *translation
			       ? error_hint(err, "in the syntax of GnuTLS, write '%s'", translation)
			       : error_hint(err,
					    "leave the value empty: the default has no weak or "
					    "anonymous cipher suites");
	}
	error_set(err, ERROR_CONFIG, "GnuTLS does not support '%.64s' (character %zu)", word,
		  (size_t)(position - string) + strlen(setting) - strlen(string) + 1);
	return error_hint(err, "'gnutls-cli --list' lists what it supports");
}

int priorities_check(struct arena *memory, const char *setting, struct error *err)
{
	_cleanup_(gnutls_priority_deinitp) gnutls_priority_t cache = NULL;
	const char *string = priorities_string(memory, setting), *position = string;
	int r = gnutls_priority_init(&cache, string, &position), count;
	const unsigned *versions;
	bool has_version = false;

	if (r < 0) {
		cache = NULL;
		return reject_setting(memory, setting, string, position, r, err);
	}
	count = gnutls_priority_protocol_list(cache, &versions);
	for (int i = 0; i < count; i++) {
		if (versions[i] >= GNUTLS_SSL3 && versions[i] <= GNUTLS_TLS1_1) {
			error_set(err, ERROR_CONFIG, "it enables %s, but TLS 1.2 is the minimum",
				  gnutls_protocol_get_name(versions[i]));
			return error_hint(err, "add ':-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2'");
		}
		has_version |= versions[i] == GNUTLS_TLS1_2 || versions[i] == GNUTLS_TLS1_3;
	}
	return has_version ? 0 : error_set(err, ERROR_CONFIG, "it leaves no TLS version");
}
