#include "mail/text.h"

#include <math.h>

#include "mail/pattern.h"

/* Control characters of ASCII, those of Unicode (U+0080 to U+009F), and U+FFFE and U+FFFF, which
 * no XML document may have (XML 1.0 2.2). */
bool text_has_unbearable(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (char_is_control((char)*at))
			return true;
		if (at[0] == 0xc2 && at[1] < 0xa0)
			return true;
		if (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe)
			return true;
	}
	return false;
}

int text_check(const char *what, const char *text, size_t max, struct error *err)
{
	size_t length = strlen(text);

	if (length == 0)
		return error_set(err, ERROR_INPUT, "the %s must not be empty", what);
	if (!utf8_is_valid(text, length))
		return error_set(err, ERROR_INPUT, "the %s '%s' is not UTF-8", what, text);
	if (text_has_unbearable(text))
		return error_set(err, ERROR_INPUT, "the %s '%s' has a control character", what,
				 text);
	if (char_is_blank(text[0]) || char_is_blank(text[length - 1]))
		return error_set(err, ERROR_INPUT, "the %s '%s' begins or ends with whitespace",
				 what, text);
	if (utf8_length(text) > max)
		return error_set(err, ERROR_INPUT,
				 "the %s has %zu characters, and more than %zu are too many", what,
				 utf8_length(text), max);
	return 0;
}

/*
 * Thunderbird on the desktop turns XML into JavaScript objects: what isFinite() holds for becomes
 * a number, true and false in any case become truth values, and the user name is made from that
 * again. So 007 comes out as 7, 1e5 as 100000, 0x10 as 0, and 0 not at all.
 */

/* JavaScript writes integers of this many digits exactly (Number.MAX_SAFE_INTEGER has 16). */
#define SAFE_DIGITS 15

static const char *skip_digits(const char *text)
{
	return text + strspn(text, "0123456789");
}

/* StrDecimalLiteral of ECMA-262 7.1.4.1, without Infinity:
 *
 *     -12.5e+3
 *     ^sign, digits, point, digits, exponent; one of the two runs of digits may be missing
 */
static bool is_decimal(const char *text)
{
	const char *start, *end;

	if (*text == '+' || *text == '-')
		text++;
	start = text;
	end = skip_digits(text);
	if (*end == '.')
		end = skip_digits(end + 1);
	if (end == start || (end == start + 1 && *start == '.'))
		return false;
	if (*end == 'e' || *end == 'E') {
		const char *exponent = end + 1;

		if (*exponent == '+' || *exponent == '-')
			exponent++;
		end = skip_digits(exponent);
		if (end == exponent)
			return false;
	}
	return *end == '\0';
}

/* 0x10, 0o17, 0b11: no sign, at least one digit. */
static bool is_prefixed(const char *text)
{
	static const struct {
		char letter;
		const char *digits;
	} bases[] = {
		{ 'x', "0123456789abcdefABCDEF" },
		{ 'o', "01234567" },
		{ 'b', "01" },
	};

	if (text[0] != '0' || text[1] == '\0' || text[2] == '\0')
		return false;
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++)
		if (char_lower(text[1]) == bases[i].letter)
			return text[2 + strspn(text + 2, bases[i].digits)] == '\0';
	return false;
}

static bool is_kept(const char *text)
{
	return text[0] != '0' && *skip_digits(text) == '\0' && strlen(text) <= SAFE_DIGITS;
}

enum login_reading login_reading(const char *text)
{
	if (text_equals_ignoring_case(text, "true") || text_equals_ignoring_case(text, "false"))
		return LOGIN_READ_AS_TRUTH;
	if (is_prefixed(text))
		return LOGIN_READ_AS_NUMBER;
	if (is_decimal(text) && isfinite(strtod(text, NULL)) && !is_kept(text))
		return LOGIN_READ_AS_NUMBER;
	return LOGIN_READ_AS_TEXT;
}

static bool has_any_placeholder(struct arena *memory, const char *text)
{
	const struct pattern_values nothing = { "", "", "", "" };

	return strchr(text, '%') && !text_equals(pattern_expand(memory, text, &nothing), text);
}

int login_check(struct arena *memory, const char *text, struct error *err)
{
	if (strlen(text) > LOGIN_MAX_LENGTH)
		return error_set(err, ERROR_INPUT, "the login has more than %d bytes",
				 LOGIN_MAX_LENGTH);
	if (text_check("login", text, LOGIN_MAX_LENGTH, err) < 0)
		return -1;
	if (has_any_placeholder(memory, text))
		return error_set(err, ERROR_INPUT,
				 "login '%s' has a placeholder, and a user's login is taken as it "
				 "stands; patterns belong to the provider: 'provider set NAME "
				 "--login PATTERN'",
				 text);
	return 0;
}
