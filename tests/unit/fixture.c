#include "unit/fixture.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"

#define WORDS_MAX 16

void check_text(const char *row, const char *got, const char *wanted)
{
	if (!got != !wanted || (got && !text_equals(got, wanted)))
		fail_msg("%s: got %s, wanted %s", row, got ? got : "NULL",
			 wanted ? wanted : "NULL");
}

void check_number(const char *row, long long got, long long wanted)
{
	if (got != wanted)
		fail_msg("%s: got %lld, wanted %lld", row, got, wanted);
}

void check_error(const char *row, const struct error *err, enum error_kind kind, const char *words)
{
	struct arena memory = ARENA_NULL;
	const char *line;

	if (err->kind != kind)
		fail_msg("%s: error of kind %d, wanted %d: %s", row, err->kind, kind, err->text);
	line = error_line(&memory, err);
	if (!strstr(line, words))
		fail_msg("%s: error without '%s': %s", row, words, line);
	arena_clear(&memory);
}

char *directory_new(void)
{
	char *directory = xstrdup("/tmp/mailconfd-test-XXXXXX");

	if (!mkdtemp(directory))
		fail_msg("cannot make a directory like %s", directory);
	return directory;
}

void directory_free(char *directory)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	DIR *entries = opendir(directory);
	struct dirent *entry;

	while (entries && (entry = readdir(entries)))
		(void)unlink(directory_path(&memory, directory, entry->d_name));
	if (entries)
		(void)closedir(entries);
	(void)rmdir(directory);
	free(directory);
}

const char *directory_path(struct arena *memory, const char *directory, const char *file)
{
	return arena_printf(memory, "%s/%s", directory, file);
}

/* Splits a line at its blanks; unused words are "". */
static void split(struct arena *memory, const char *line, const char *words[WORDS_MAX])
{
	char *rest = arena_strdup(memory, line), *word;
	size_t count = 0;

	while ((word = strsep(&rest, " ")))
		if (*word && count < WORDS_MAX)
			words[count++] = word;
	while (count < WORDS_MAX)
		words[count++] = "";
}

/* What follows "key=" in the word; NULL if it is another word. */
static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);

	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static int add_provider(struct store *store, struct arena *memory, const char *const *words,
			struct error *err)
{
	struct provider provider = PROVIDER_DEFAULT;
	struct service services[WORDS_MAX];
	const char *value;

	provider.name = words[1];
	provider.services = services;
	for (size_t i = 2; i < WORDS_MAX && *words[i]; i++) {
		if ((value = value_of(words[i], "login")))
			provider.login = value;
		else if ((value = value_of(words[i], "delimiter")))
			provider.recipient_delimiter = value;
		else if ((value = value_of(words[i], "display")))
			provider.display_name = value;
		else if (text_equals(words[i], "case=keep"))
			provider.login_case = LOGIN_CASE_KEEP;
		else if (text_equals(words[i], "mx=no"))
			provider.mx_fallback = false;
		else if (text_equals(words[i], "pacc=yes"))
			provider.pacc = true;
		else if (text_equals(words[i], "v2=yes"))
			provider.activesync_v2 = true;
		else if (text_equals(words[i], "names=yes"))
			provider.show_names = true;
		else if (text_equals(words[i], "md5=yes"))
			provider.md5_lookup = true;
		else if (!(value = value_of(words[i], "service")))
			return error_set(err, ERROR_INPUT, "what is '%s'?", words[i]);
		else if (service_parse(memory, value, &services[provider.n_services++], err) < 0)
			return -1;
	}
	return store_add_provider(store, &provider, err);
}

static int add_domain(struct store *store, const char *const *words, struct error *err)
{
	bool is_alias = words[2][0] == '=';
	const struct domain domain = {
		.name = words[1],
		.provider = is_alias ? NULL : words[2],
		.alias_of = is_alias ? words[2] + 1 : NULL,
		.is_enabled = !text_equals(words[3], "off"),
	};

	return store_add_domain(store, &domain, err);
}

static int add_user(struct store *store, const char *const *words, struct error *err)
{
	struct user user = { .address = words[1], .login = words[2] };

	for (size_t i = 3; i < WORDS_MAX && *words[i]; i++) {
		if (value_of(words[i], "name"))
			user.name = value_of(words[i], "name");
		else
			user.provider = value_of(words[i], "provider");
	}
	return store_add_user(store, &user, err);
}

void store_fill(struct store *store, const char *const *lines)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err = { 0 };

	for (; *lines; lines++) {
		const char *words[WORDS_MAX];
		int r = -1;

		split(&memory, *lines, words);
		if (text_equals(words[0], "provider"))
			r = add_provider(store, &memory, words, &err);
		else if (text_equals(words[0], "domain"))
			r = add_domain(store, words, &err);
		else if (text_equals(words[0], "user"))
			r = add_user(store, words, &err);
		if (r != 0)
			fail_msg("cannot add '%s': %d %s", *lines, r, err.text);
	}
}
