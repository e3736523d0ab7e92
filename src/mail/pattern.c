#include "mail/pattern.h"

#include "util/idna.h"
#include "util/log.h"

static const struct placeholder {
	const char *text;
	size_t value; /* its place in struct pattern_values */
	bool is_ours;
} placeholders[] = {
	{ "%EMAILADDRESS%", offsetof(struct pattern_values, address) },
	{ "%EMAILLOCALPART%", offsetof(struct pattern_values, local) },
	{ "%EMAILDOMAIN%", offsetof(struct pattern_values, domain) },
	{ "%LOGIN%", offsetof(struct pattern_values, login), .is_ours = true },
};

static const struct placeholder *placeholder_at(const char *text)
{
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(*placeholders); i++)
		if (strncmp(text, placeholders[i].text, strlen(placeholders[i].text)) == 0)
			return &placeholders[i];
	return NULL;
}

/* Whether something that was meant as a placeholder stands here: %WORD%. */
static size_t word_length(const char *text)
{
	size_t length = 1;

	while (text[length] >= 'A' && text[length] <= 'Z')
		length++;
	return length > 1 && text[length] == '%' ? length + 1 : 0;
}

int pattern_check(struct arena *memory, const char *text, enum pattern_use use, struct error *err)
{
	size_t length = strlen(text);

	if (length == 0)
		return error_set(err, ERROR_INPUT, "a login pattern must not be empty");
	if (length > PATTERN_MAX_LENGTH)
		return error_set(err, ERROR_INPUT, "a login pattern has at most %d bytes",
				 PATTERN_MAX_LENGTH);
	if (char_is_blank(text[0]) || char_is_blank(text[length - 1]))
		return error_set(err, ERROR_INPUT,
				 "login pattern %s begins or ends with whitespace",
				 log_quote(memory, text));
	if (!utf8_is_valid(text, length))
		return error_set(err, ERROR_INPUT, "login pattern %s is not UTF-8",
				 log_quote(memory, text));
	for (const char *at = text; *at; at++) {
		const struct placeholder *placeholder;

		if (char_is_control(*at))
			return error_set(err, ERROR_INPUT,
					 "login pattern %s has a control character",
					 log_quote(memory, text));
		if (*at != '%')
			continue;
		placeholder = placeholder_at(at);
		if (placeholder && placeholder->is_ours && use == PATTERN_FOR_PROVIDER)
			return error_set(err, ERROR_INPUT,
					 "%%LOGIN%% is what a provider's pattern makes; only a "
					 "service's own pattern may use it");
		if (placeholder)
			at += strlen(placeholder->text) - 1;
		else if (word_length(at))
			return error_set(err, ERROR_INPUT,
					 "login pattern %s: %.*s is none of %%EMAILADDRESS%% "
					 "%%EMAILLOCALPART%% %%EMAILDOMAIN%%%s",
					 log_quote(memory, text), (int)word_length(at), at,
					 use == PATTERN_FOR_SERVICE ? " %LOGIN%" : "");
	}
	return 0;
}

const char *pattern_expand(struct arena *memory, const char *pattern,
			   const struct pattern_values *values)
{
	struct bytes expanded = BYTES_IN(memory);

	while (*pattern) {
		const struct placeholder *placeholder = *pattern == '%' ? placeholder_at(pattern)
									: NULL;
		const char *value;

		if (!placeholder) {
			bytes_add_char(&expanded, *pattern++);
			continue;
		}
		memcpy(&value, (const char *)values + placeholder->value, sizeof(value));
		bytes_add_text(&expanded, value ? value : placeholder->text);
		pattern += strlen(placeholder->text);
	}
	return bytes_text(&expanded);
}

bool pattern_has_placeholder(const char *text)
{
	for (; (text = strchr(text, '%')); text++) {
		const struct placeholder *placeholder = placeholder_at(text);

		if (placeholder && !placeholder->is_ours)
			return true;
	}
	return false;
}

/* The placeholder stands for whole labels, with a dot between it and what surrounds it; that is
 * a name on either side once a label stands for the placeholder. */
const char *host_pattern_parse(struct arena *memory, const char *text)
{
	static const char placeholder[] = "%EMAILDOMAIN%";
	const char *at = strstr(text, placeholder), *rest, *before, *after;

	if (!at)
		return idna_to_ascii(memory, text);

	rest = at + strlen(placeholder);
	if ((at > text && at[-1] != '.') || (*rest && *rest != '.'))
		return NULL;
	before = idna_to_ascii(memory, arena_printf(memory, "%.*sx", (int)(at - text), text));
	after = idna_to_ascii(memory, arena_printf(memory, "x%s", rest));
	if (!before || !after)
		return NULL;
	return arena_printf(memory, "%.*s%s%s", (int)strlen(before) - 1, before, placeholder,
			    after + 1);
}
