#include "util/bytes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"

/* What most formats come to; longer ones are formatted twice. */
#define FORMATTED_LENGTH ((size_t)64)

/* Keeps room for the bytes to add and a NUL. The outgrown copy stays in the arena; doubling
 * bounds all of them together by the size of the last. */
static void bytes_reserve(struct bytes *bytes, size_t more)
{
	size_t needed = bytes->size + more + 1, room = bytes->room ? bytes->room : 128;
	char *data;

	if (needed <= bytes->room)
		return;
	while (room < needed)
		room *= 2;
	data = arena_alloc(bytes->memory, room);
	if (bytes->size)
		memcpy(data, bytes->data, bytes->size);
	bytes->data = data;
	bytes->room = room;
}

void bytes_add(struct bytes *bytes, const char *data, size_t size)
{
	bytes_reserve(bytes, size);
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
	bytes->data[bytes->size] = '\0';
}

void bytes_add_text(struct bytes *bytes, const char *text)
{
	bytes_add(bytes, text, strlen(text));
}

void bytes_add_char(struct bytes *bytes, char c)
{
	bytes_add(bytes, &c, 1);
}

void bytes_add_format(struct bytes *bytes, const char *format, ...)
{
	va_list args, again;
	size_t room;
	int length;

	bytes_reserve(bytes, FORMATTED_LENGTH);
	room = bytes->room - bytes->size;
	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(bytes->data + bytes->size, room, format, args);
	if (length < 0)
		abort(); /* a format that is wrong */
	if ((size_t)length >= room) {
		bytes_reserve(bytes, (size_t)length);
		vsnprintf(bytes->data + bytes->size, (size_t)length + 1, format, again);
	}
	va_end(again);
	va_end(args);
	bytes->size += (size_t)length;
}

const char *bytes_text(const struct bytes *bytes)
{
	return bytes->data ? bytes->data : "";
}

char char_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

char char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool char_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool char_is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool char_is_alphanumeric(char c)
{
	char lower = char_lower(c);

	return char_is_digit(c) || (lower >= 'a' && lower <= 'z');
}

bool text_equals(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool text_same(const char *a, const char *b)
{
	return a && b ? text_equals(a, b) : a == b;
}

bool text_equals_ignoring_case(const char *a, const char *b)
{
	while (*a && char_lower(*a) == char_lower(*b)) {
		a++;
		b++;
	}
	return char_lower(*a) == char_lower(*b);
}

bool text_starts_with_ignoring_case(const char *text, const char *prefix)
{
	while (*prefix && char_lower(*text) == char_lower(*prefix)) {
		text++;
		prefix++;
	}
	return !*prefix;
}

char *text_lower(struct arena *memory, const char *text)
{
	char *lower = arena_strdup(memory, text);

	for (char *c = lower; *c; c++)
		*c = char_lower(*c);
	return lower;
}

size_t utf8_decode(const char *text, size_t size, uint32_t *ret_character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = size > 0 ? (unsigned char)*text : 0x80;
	size_t length = first < 0x80   ? 1
			: first < 0xc0 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
			: first < 0xf8 ? 4
				       : 0;
	uint32_t character = length > 1 ? first & 0x7f >> length : first;

	if (length == 0 || size < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (character < least[length] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return 0;
	if (ret_character)
		*ret_character = character;
	return length;
}

bool utf8_is_valid(const char *data, size_t size)
{
	for (size_t i = 0, length; i < size; i += length) {
		/* Most of what we meet is ASCII. */
		length = (unsigned char)data[i] < 0x80 ? 1 : utf8_decode(data + i, size - i, NULL);
		if (!length)
			return false;
	}
	return true;
}

size_t utf8_length(const char *text)
{
	size_t length = 0;

	for (; *text; text++)
		length += ((unsigned char)*text & 0xc0) != 0x80;
	return length;
}

bool number_parse(const char *text, unsigned long low, unsigned long high,
		  unsigned long *ret_number)
{
	unsigned long number = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (!char_is_digit(*text) || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (unsigned long)(*text - '0'), &number))
			return false;
	}
	if (number < low || number > high)
		return false;
	*ret_number = number;
	return true;
}

int hex_byte(const char *digits)
{
	int byte = 0;

	for (size_t i = 0; i < 2; i++) {
		char c = char_lower(digits[i]);

		if (char_is_digit(c))
			byte = byte << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			byte = byte << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return byte;
}

char *percent_decode(struct arena *memory, const char *text, size_t length)
{
	char *decoded = arena_alloc(memory, length + 1), *end = decoded;

	for (size_t i = 0; i < length; i++) {
		int byte = (unsigned char)text[i];

		if (byte == '%') {
			byte = i + 2 < length ? hex_byte(text + i + 1) : -1;
			i += 2;
		}
		if (byte <= 0)
			return NULL;
		*end++ = (char)byte;
	}
	*end = '\0';
	return decoded;
}

const char *percent_encode(struct arena *memory, const char *text)
{
	struct bytes encoded = BYTES_IN(memory);

	for (; *text; text++) {
		if (char_is_alphanumeric(*text) || strchr("-._~", *text))
			bytes_add_char(&encoded, *text);
		else
			bytes_add_format(&encoded, "%%%02X", (unsigned char)*text);
	}
	return bytes_text(&encoded);
}
