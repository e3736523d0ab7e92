#pragma once

/*
 * A growing run of bytes in an arena, and the small questions about text that several parsers
 * ask. All letters are ASCII letters, whatever the locale.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct bytes {
	struct arena *memory;
	char *data; /* size bytes, always followed by a NUL once something was added */
	size_t size, room;
};

#define BYTES_IN(arena) ((struct bytes){ .memory = (arena) })

void bytes_add(struct bytes *bytes, const char *data, size_t size);
void bytes_add_text(struct bytes *bytes, const char *text);
void bytes_add_char(struct bytes *bytes, char c);
void bytes_add_format(struct bytes *bytes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The text gathered so far, "" when nothing was. Valid until something is added. */
const char *bytes_text(const struct bytes *bytes);

char char_lower(char c);
char char_upper(char c);
bool char_is_blank(char c);   /* space, tab, CR, LF, VT, FF */
bool char_is_control(char c); /* below space, and DEL */
bool char_is_digit(char c);
bool char_is_alphanumeric(char c);

bool text_equals(const char *a, const char *b);

/* The same where either may be NULL, which equals only NULL. */
bool text_same(const char *a, const char *b);

/* Text compared without regard to the case of ASCII letters. */
bool text_equals_ignoring_case(const char *a, const char *b);
bool text_starts_with_ignoring_case(const char *text, const char *prefix);

/* A copy with ASCII letters in lower case. */
char *text_lower(struct arena *memory, const char *text);

/* Whether the bytes are UTF-8 as RFC 3629 has it: shortest forms, no surrogates. */
bool utf8_is_valid(const char *data, size_t size);

/* The length of the character that the bytes begin with, 0 where they begin with none; and the
 * character, unless ret_character is NULL. The size can be SIZE_MAX where a NUL ends the text. */
size_t utf8_decode(const char *text, size_t size, uint32_t *ret_character);

/* How many characters a valid UTF-8 text has. */
size_t utf8_length(const char *text);

/* The number that the text is, all of it, in decimal digits. Returns whether it is one between
 * low and high. */
bool number_parse(const char *text, unsigned long low, unsigned long high,
		  unsigned long *ret_number);

/* The value of two hexadecimal digits in either case, -1 where there are none. */
int hex_byte(const char *digits);

/*
 * Undoes percent-encoding (RFC 3986 2.1) once. A plus stays a plus. Returns NULL where a percent
 * sign is not followed by two hexadecimal digits, or a NUL byte comes out.
 */
char *percent_decode(struct arena *memory, const char *text, size_t length);

/* Percent-encodes all but the unreserved characters (RFC 3986 2.3). */
const char *percent_encode(struct arena *memory, const char *text);
