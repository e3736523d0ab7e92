#include "util/shell-words.h"

#include "util/string-list.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static bool is_at(const struct words *words, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(words->end - words->next) >= length &&
	       memcmp(words->next, text, length) == 0;
}

static char next_byte(struct words *words)
{
	char c = *words->next++;

	if (c == '\n')
		words->next_line++;
	return c;
}

static int reject_nul(struct words *words, struct error *err)
{
	words->line = words->next_line;
	return error_set(err, ERROR_INPUT, "a NUL byte is in this line; is it a text?");
}

/* A backslash and the end of a line, however that is written, are as good as nothing. */
static bool pass_over_joint(struct words *words)
{
	if (!is_at(words, "\\\n") && !is_at(words, "\\\r\n"))
		return false;
	while (next_byte(words) != '\n')
		;
	return true;
}

static int read_quoted(struct words *words, struct bytes *word, struct error *err)
{
	unsigned opened = words->next_line;
	char quote = next_byte(words), c;

	while (words->next < words->end) {
		if (quote == '"' && pass_over_joint(words))
			continue;
		c = next_byte(words);
		if (c == '\0')
			return reject_nul(words, err);
		if (c == quote)
			return 0;
		if (quote == '"' && c == '\\' && words->next < words->end && *words->next &&
		    strchr("\"\\$`", *words->next))
			c = next_byte(words);
		bytes_add_char(word, c);
	}
	words->line = opened;
	return error_set(err, ERROR_INPUT, "the quote %c that is opened here is not closed", quote);
}

static int read_word(struct words *words, struct texts *list, struct error *err)
{
	struct bytes word = BYTES_IN(list->memory);

	while (words->next < words->end && !char_is_blank(*words->next)) {
		if (pass_over_joint(words))
			continue;
		if (*words->next == '\0')
			return reject_nul(words, err);
		if (*words->next == '\'' || *words->next == '"') {
			if (read_quoted(words, &word, err) < 0)
				return -1;
			continue;
		}
		if (*words->next == '\\' && words->next + 1 < words->end && words->next[1])
			words->next++;
		bytes_add_char(&word, next_byte(words));
	}
	texts_add(list, bytes_text(&word));
	return 0;
}

int words_next(struct words *words, struct arena *memory, const char ***ret_words,
	       size_t *ret_count, struct error *err)
{
	struct texts list = TEXTS_IN(memory);
	bool is_at_end = false; /* of the command's line */

	if (words->next_line == 1 && is_at(words, BYTE_ORDER_MARK))
		words->next += strlen(BYTE_ORDER_MARK);
	words->line = words->next_line;
	while (words->next < words->end && !is_at_end) {
		if (pass_over_joint(words))
			continue;
		if (*words->next == '\n') {
			next_byte(words);
			is_at_end = list.count > 0;
			if (!is_at_end)
				words->line = words->next_line;
		} else if (char_is_blank(*words->next)) {
			words->next++;
		} else if (*words->next == '#') {
			while (words->next < words->end && *words->next != '\n')
				words->next++;
		} else if (read_word(words, &list, err) < 0) {
			return -1;
		}
	}
	if (list.count == 0)
		return WORDS_END;
	*ret_words = list.items;
	*ret_count = list.count;
	return 0;
}

/* At the beginning of a text a byte order mark would be none of the word's. */
static bool needs_quotes(const char *word)
{
	size_t plain = 0;

	while (char_is_alphanumeric(word[plain]) || (unsigned char)word[plain] >= 0x80 ||
	       (word[plain] && strchr("-_./:@%+=,*!?^~{}[]", word[plain])))
		plain++;
	return plain == 0 || word[plain] || strncmp(word, BYTE_ORDER_MARK, 3) == 0;
}

static const char *quote_word(struct arena *memory, const char *word, char quote,
			      const char *special, const char *escape)
{
	struct bytes quoted = BYTES_IN(memory);

	bytes_add_char(&quoted, quote);
	for (; *word; word++) {
		if (strchr(special, *word))
			bytes_add_text(&quoted, escape);
		bytes_add_char(&quoted, *word);
	}
	bytes_add_char(&quoted, quote);
	return bytes_text(&quoted);
}

const char *word_quote(struct arena *memory, const char *word)
{
	return needs_quotes(word) ? quote_word(memory, word, '\'', "'", "'\\'")
				  : arena_strdup(memory, word);
}

const char *word_in_sentence(struct arena *memory, const char *word)
{
	return needs_quotes(word) || strpbrk(word, "*?[]{}~!")
		       ? quote_word(memory, word, '"', "\"\\$`", "\\")
		       : arena_strdup(memory, word);
}
