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
	const char *wrong = NULL;

	if (length == 0)
		return error_set(err, ERROR_INPUT, "the %s must not be empty", what);
	if (!utf8_is_valid(text, length))
		wrong = "is not UTF-8";
	else if (text_has_unbearable(text))
		wrong = "has a control character";
	else if (char_is_blank(text[0]) || char_is_blank(text[length - 1]))
		wrong = "begins or ends with whitespace";
	if (wrong)
		return error_set(err, ERROR_INPUT, "the %s '%s' %s", what, text, wrong);
	if (utf8_length(text) > max)
		return error_set(err, ERROR_INPUT,
				 "the %s has %zu characters, and more than %zu are too many", what,
				 utf8_length(text), max);
	return 0;
}

/*
 * Thunderbird on the desktop turns XML into JavaScript objects: what isFinite() holds for becomes
 * a number, true and false in any case become Booleans, and the user name is made from that
 * again. So 007 comes out as 7, 1e5 as 100000, 0x10 as 0, and 0 not at all.
 */

/* JavaScript writes integers of this many digits exactly (Number.MAX_SAFE_INTEGER has 16). */
#define SAFE_DIGITS 15

enum login_reading login_reading(const char *text)
{
	/* 0x10, 0o17, 0b11: no sign, at least one digit */
	const char *digits = text[0] != '0'		  ? NULL
			     : char_lower(text[1]) == 'x' ? "0123456789abcdefABCDEF"
			     : char_lower(text[1]) == 'o' ? "01234567"
			     : char_lower(text[1]) == 'b' ? "01"
							  : NULL;
	size_t length = strlen(text);
	double number;
	char *end;

	if (text_equals_ignoring_case(text, "true") || text_equals_ignoring_case(text, "false"))
		return LOGIN_READ_AS_TRUTH;
	if (digits && text[2] && !text[2 + strspn(text + 2, digits)])
		return LOGIN_READ_AS_NUMBER;
	/* StrDecimalLiteral of ECMA-262 7.1.4.1, without Infinity, is what strtod() accepts of
	 * these characters: -12.5e+3. */
	if (length == 0 || text[strspn(text, "0123456789+-.eE")] != '\0')
		return LOGIN_READ_AS_TEXT;
	number = strtod(text, &end);
	if (*end || !isfinite(number))
		return LOGIN_READ_AS_TEXT;
	return text[0] != '0' && length <= SAFE_DIGITS && !text[strspn(text, "0123456789")]
		       ? LOGIN_READ_AS_TEXT
		       : LOGIN_READ_AS_NUMBER;
}

int login_check(struct arena *memory, const char *text, struct error *err)
{
	const struct pattern_values nothing = { "", "", "", "" };

	if (strlen(text) > LOGIN_MAX_LENGTH)
		return error_set(err, ERROR_INPUT, "the login has more than %d bytes",
				 LOGIN_MAX_LENGTH);
	if (text_check("login", text, LOGIN_MAX_LENGTH, err) < 0)
		return -1;
	if (strchr(text, '%') && !text_equals(pattern_expand(memory, text, &nothing), text))
		return error_set(err, ERROR_INPUT,
				 "login '%s' has a placeholder, and a user's login is taken as it "
				 "stands; patterns belong to the provider: 'provider set NAME "
				 "--login PATTERN'",
				 text);
	return 0;
}
