#include "util/shell-words.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reader {
	struct words *words;
	struct arena *memory;
	struct error *err;
	const char **list;
	size_t count;
};

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

static int read_quoted(struct reader *reader, struct bytes *word)
{
	struct words *words = reader->words;
	unsigned opened = words->next_line;
	char quote = next_byte(words), c;

	while (words->next < words->end) {
		if (quote == '"' && pass_over_joint(words))
			continue;
		c = next_byte(words);
		if (c == '\0')
			return reject_nul(words, reader->err);
		if (c == quote)
			return 0;
		if (quote == '"' && c == '\\' && words->next < words->end && *words->next &&
		    strchr("\"\\$`", *words->next))
			c = next_byte(words);
		bytes_add_char(word, c);
	}
	words->line = opened;
	return error_set(reader->err, ERROR_INPUT, "the quote %c that is opened here is not closed",
			 quote);
}

static int read_word(struct reader *reader)
{
	struct bytes word = BYTES_IN(reader->memory);
	struct words *words = reader->words;

	while (words->next < words->end && !char_is_blank(*words->next)) {
		if (pass_over_joint(words))
			continue;
		if (*words->next == '\0')
			return reject_nul(words, reader->err);
		if (*words->next == '\'' || *words->next == '"') {
			if (read_quoted(reader, &word) < 0)
				return -1;
			continue;
		}
		if (*words->next == '\\' && words->next + 1 < words->end && words->next[1])
			words->next++;
		bytes_add_char(&word, next_byte(words));
	}
	if ((reader->count & (reader->count - 1)) == 0) {
		size_t room = reader->count ? reader->count * 2 : 1;
		const char **list = arena_array(reader->memory, const char *, room);

		if (reader->count)
			memcpy(list, reader->list, reader->count * sizeof(*list));
		reader->list = list;
	}
	reader->list[reader->count++] = bytes_text(&word);
	return 0;
}

static void pass_over_comment(struct words *words)
{
	while (words->next < words->end && *words->next != '\n')
		words->next++;
}

/* Reads up to the end of a line. */
static int read_line(struct reader *reader)
{
	struct words *words = reader->words;

	while (words->next < words->end) {
		if (pass_over_joint(words))
			continue;
		if (*words->next == '\n') {
			(void)next_byte(words);
			return 0;
		}
		if (char_is_blank(*words->next))
			words->next++;
		else if (*words->next == '#')
			pass_over_comment(words);
		else if (read_word(reader) < 0)
			return -1;
	}
	return 0;
}

int words_next(struct words *words, struct arena *memory, const char ***ret_words,
	       size_t *ret_count, struct error *err)
{
	struct reader reader = { .words = words, .memory = memory, .err = err };

	if (words->next_line == 1 && is_at(words, BYTE_ORDER_MARK))
		words->next += strlen(BYTE_ORDER_MARK);
	while (words->next < words->end) {
		words->line = words->next_line;
		if (read_line(&reader) < 0)
			return -1;
		if (reader.count > 0) {
			*ret_words = reader.list;
			*ret_count = reader.count;
			return 0;
		}
	}
	return WORDS_END;
}

static bool is_plain(char c)
{
	return char_is_alphanumeric(c) || (unsigned char)c >= 0x80 ||
	       (c && strchr("-_./:@%+=,*!?^~{}[]", c));
}

/* At the beginning of a text a byte order mark would be none of the word's. */
static bool needs_quotes(const char *word)
{
	size_t plain = 0;

	while (is_plain(word[plain]))
		plain++;
	return plain == 0 || word[plain] || strncmp(word, BYTE_ORDER_MARK, 3) == 0;
}

const char *word_quote(struct arena *memory, const char *word)
{
	struct bytes quoted = BYTES_IN(memory);

	if (!needs_quotes(word))
		return arena_strdup(memory, word);
	bytes_add_char(&quoted, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			bytes_add_text(&quoted, "'\\''");
		else
			bytes_add_char(&quoted, *word);
	}
	bytes_add_char(&quoted, '\'');
	return bytes_text(&quoted);
}

const char *word_in_sentence(struct arena *memory, const char *word)
{
	struct bytes quoted = BYTES_IN(memory);

	if (!needs_quotes(word) && !strpbrk(word, "*?[]{}~!"))
		return arena_strdup(memory, word);
	bytes_add_char(&quoted, '"');
	for (; *word; word++) {
		if (strchr("\"\\$`", *word))
			bytes_add_char(&quoted, '\\');
		bytes_add_char(&quoted, *word);
	}
	bytes_add_char(&quoted, '"');
	return bytes_text(&quoted);
}
