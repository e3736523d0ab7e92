#include "mail/attribute.h"

#include "mail/text.h"
#include "mail/url.h"

const char *attribute_key(struct arena *memory, const struct option *option)
{
	char *key = arena_strdup(memory, option->name);

	for (char *c = key; (c = strchr(c, '-'));)
		*c = '_';
	return key;
}

const char *choice_word(const char *choices, unsigned index, size_t *ret_length)
{
	for (; index > 0; index--)
		choices = strchrnul(choices, '|') + 1;
	*ret_length = strcspn(choices, "|");
	return choices;
}

int choice_index(const char *choices, const char *word)
{
	size_t length = strlen(word);

	for (int index = 0;; index++) {
		size_t end = strcspn(choices, "|");

		if (end == length && memcmp(choices, word, length) == 0)
			return index;
		if (!choices[end])
			return -1;
		choices += end + 1;
	}
}

int attribute_set(struct arena *memory, const struct option *option, void *row, const char *text,
		  struct error *err)
{
	void *member = (char *)row + option->offset;
	bool is_unset = option->is_optional && !*text;
	unsigned long number = 0;
	const char *value = NULL;
	char unit[16] = "";

	switch (option->type) {
	case ATTRIBUTE_TEXT:
		if (!is_unset)
			value = option->parse(memory, option, text, err);
		if (!is_unset && !value)
			return -1;
		*(const char **)member = value;
		break;
	case ATTRIBUTE_NUMBER:
		if (!is_unset && !number_parse(text, option->min, option->max, &number)) {
			for (size_t i = 0; i < sizeof(unit) - 1 && option->value[i]; i++)
				unit[i] = char_lower(option->value[i]);
			return error_set(err, ERROR_USAGE, "--%s takes %s, from %u to %u, not '%s'",
					 option->name, unit, option->min, option->max, text);
		}
		*(unsigned *)member = (unsigned)number;
		break;
	case ATTRIBUTE_TRUTH:
		*(bool *)member = !option->value || text_equals(text, "yes") != option->is_negated;
		break;
	case ATTRIBUTE_CHOICE:
	case ATTRIBUTE_WISH:
		*(unsigned *)member = (unsigned)choice_index(option->value, text);
		break;
	case ATTRIBUTE_NONE:
		break;
	}
	return 0;
}

const char *attribute_text(struct arena *memory, const struct option *option, const void *row)
{
	const void *member = (const char *)row + option->offset;
	unsigned number;
	const char *word;
	size_t length;

	switch (option->type) {
	case ATTRIBUTE_TEXT:
		return *(const char *const *)member;
	case ATTRIBUTE_TRUTH:
		if (!option->value)
			return *(const bool *)member ? "" : NULL;
		return *(const bool *)member != option->is_negated ? "yes" : "no";
	case ATTRIBUTE_CHOICE:
	case ATTRIBUTE_WISH:
		number = *(const unsigned *)member;
		if (option->type == ATTRIBUTE_WISH && !number)
			return NULL;
		word = choice_word(option->value, number, &length);
		return arena_strndup(memory, word, length);
	case ATTRIBUTE_NUMBER:
		number = *(const unsigned *)member;
		return number || !option->is_optional ? arena_printf(memory, "%u", number) : NULL;
	case ATTRIBUTE_NONE:
		break;
	}
	return NULL;
}

const char *attribute_parse_text(struct arena *memory, const struct option *option,
				 const char *text, struct error *err)
{
	return text_check(option->what, text, option->max, err) == 0 ? text : NULL;
}

const char *attribute_parse_url(struct arena *memory, const struct option *option, const char *text,
				struct error *err)
{
	return url_parse(memory, option->what, text, URL_OF_SERVICE, err);
}
