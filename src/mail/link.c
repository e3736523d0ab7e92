#include "mail/link.h"

#include <stdbool.h>
#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"

static const char *const kind_names[LINK_KINDS] = {
	[LINK_DOCUMENTATION] = "documentation",
	[LINK_ENABLE] = "enable",
};

const char *link_kind_name(enum link_kind kind)
{
	return kind_names[kind];
}

int link_kind_parse(struct arena *memory, const char *text, enum link_kind *ret_kind,
		    struct error *err)
{
	for (size_t i = 0; i < LINK_KINDS; i++)
		if (text_equals(kind_names[i], text)) {
			*ret_kind = (enum link_kind)i;
			return 0;
		}
	return error_set(err, ERROR_INPUT,
			 "%s is no kind of link; there are documentation and enable",
			 log_quote(memory, text));
}

/* pt-br-1994
 * ^language, of 2 to 8 letters; then parts of 1 to 8 letters and digits */
static bool is_language(const char *text)
{
	size_t length = 0;

	while (char_is_alphanumeric(text[length]) && !char_is_digit(text[length]))
		length++;
	if (length < 2 || length > 8)
		return false;
	for (text += length; *text == '-'; text += length) {
		text++;
		for (length = 0; char_is_alphanumeric(text[length]); length++)
			;
		if (length < 1 || length > 8)
			return false;
	}
	return *text == '\0';
}

const char *language_parse(struct arena *memory, const char *text, struct error *err)
{
	if (strlen(text) <= LANGUAGE_MAX_LENGTH && is_language(text))
		return text_lower(memory, text);
	error_set(err, ERROR_INPUT, "%s is not a language; write a tag such as en, de, pt-br",
		  log_quote(memory, text));
	return NULL;
}
