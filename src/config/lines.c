#include "config/lines.h"

#include <errno.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static int end_with(struct lines *lines, struct error *err, const char *reason)
{
	lines->is_over = true;
	return error_set(err, ERROR_CONFIG, "%s", reason);
}

static int read_bytes(struct lines *lines, char *buffer, size_t *ret_size, struct error *err)
{
	size_t size = 0;
	int c;

	if (lines->is_over)
		return LINES_END;
	lines->number++;
	while ((c = getc(lines->stream)) != EOF && c != '\n') {
		if (size == LINE_MAX_LENGTH)
			return end_with(lines, err,
					arena_printf(lines->memory,
						     "this line has more than %d bytes; check "
						     "that this is a settings file",
						     LINE_MAX_LENGTH));
		buffer[size++] = (char)c;
	}
	if (c == EOF && ferror(lines->stream))
		return end_with(
			lines, err,
			arena_printf(lines->memory, "cannot read this line: %s", strerror(errno)));
	if (c == EOF && size == 0)
		return LINES_END;
	*ret_size = size;
	return 0;
}

/* Either byte order, with or without a byte order mark: the first character is ASCII. */
static bool is_utf16(const char *line, size_t size)
{
	return size >= 2 && ((line[0] == '\xff' && line[1] == '\xfe') ||
			     (line[0] == '\xfe' && line[1] == '\xff') || !line[0] != !line[1]);
}

static int check_bytes(const char *line, size_t size, struct error *err)
{
	if (!utf8_is_valid(line, size))
		return error_set(err, ERROR_CONFIG,
				 "this line is not UTF-8; save the file in UTF-8");
	for (size_t i = 0; i < size; i++)
		if (char_is_control(line[i]) && line[i] != '\t')
			return error_set(err, ERROR_CONFIG,
					 "this line has the control character 0x%02x; remove it",
					 (unsigned char)line[i]);
	return 0;
}

/* The length of the line up to its comment. */
static size_t comment_start(const char *line, size_t size)
{
	if (size > 0 && line[0] == '#')
		return 0;
	for (size_t i = 0; i < size; i++)
		if (line[i] == ';' && (i == 0 || char_is_blank(line[i - 1])))
			return i;
	return size;
}

int lines_next(struct lines *lines, const char **ret_text, struct error *err)
{
	char buffer[LINE_MAX_LENGTH], *line = buffer;
	size_t size = 0;
	int r;

	r = read_bytes(lines, buffer, &size, err);
	if (r != 0)
		return r;
	if (lines->number == 1 && is_utf16(line, size))
		return end_with(lines, err, "the file is in UTF-16; save it in UTF-8");
	if (size > 0 && line[size - 1] == '\r')
		size--;
	if (lines->number == 1 && size >= strlen(BYTE_ORDER_MARK) &&
	    memcmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
		line += strlen(BYTE_ORDER_MARK);
		size -= strlen(BYTE_ORDER_MARK);
	}
	if (check_bytes(line, size, err) < 0)
		return -1;

	for (; size > 0 && char_is_blank(line[0]); size--)
		line++;
	size = comment_start(line, size);
	while (size > 0 && char_is_blank(line[size - 1]))
		size--;
	*ret_text = arena_strndup(lines->memory, line, size);
	return 0;
}
