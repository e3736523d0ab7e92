#include "mail/text.h"

#include <string.h>

#include "util/bytes.h"
#include "util/error.h"

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
		return error_set(err, ERROR_INPUT, "the %s '%s' begins or ends with a blank", what,
				 text);
	if (utf8_length(text) > max)
		return error_set(err, ERROR_INPUT,
				 "the %s has %zu characters, and more than %zu are too many", what,
				 utf8_length(text), max);
	return 0;
}
