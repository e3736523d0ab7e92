#include "store/database.h"
#include "store/row.h"

static enum wish read_wish(struct row *row, int column)
{
	int64_t wish = row_integer_or_null(row, column, 0, 1, -1);

	return wish < 0 ? WISH_NONE : wish ? WISH_YES : WISH_NO;
}

static unsigned read_number(struct row *row, int column, const struct option *option)
{
	return (unsigned)(option->is_optional
				  ? row_integer_or_null(row, column, option->min, option->max, 0)
				  : row_integer(row, column, option->min, option->max));
}

int row_attributes(struct row *row, int column, const struct option *options, void *ret_row)
{
	for (; options->name; options++) {
		void *member = (char *)ret_row + options->offset;

		switch (options->type) {
		case ATTRIBUTE_NONE:
			continue;
		case ATTRIBUTE_TEXT:
			*(const char **)member = options->is_optional
							 ? row_text_or_null(row, column)
							 : row_text(row, column);
			break;
		case ATTRIBUTE_TRUTH:
			*(bool *)member = row_truth(row, column);
			break;
		case ATTRIBUTE_CHOICE:
			*(unsigned *)member = row_choice(row, column, options->value);
			break;
		case ATTRIBUTE_WISH:
			*(enum wish *)member = read_wish(row, column);
			break;
		case ATTRIBUTE_NUMBER:
			*(unsigned *)member = read_number(row, column, options);
			break;
		}
		column++;
	}
	return column;
}

static struct sql_value choice_value(const char *words, unsigned index)
{
	size_t length;
	const char *word = choice_word(words, index, &length);

	return TEXT_PART(word, length);
}

static struct sql_value value_of(const struct option *option, const void *member)
{
	enum wish wish;
	unsigned number;

	switch (option->type) {
	case ATTRIBUTE_TEXT:
		return TEXT(*(const char *const *)member);
	case ATTRIBUTE_TRUTH:
		return NUMBER(*(const bool *)member);
	case ATTRIBUTE_CHOICE:
		return choice_value(option->value, *(const unsigned *)member);
	case ATTRIBUTE_WISH:
		wish = *(const enum wish *)member;
		return NUMBER_OR_NULL(wish != WISH_NONE, wish == WISH_YES);
	case ATTRIBUTE_NUMBER:
		number = *(const unsigned *)member;
		return NUMBER_OR_NULL(number > 0 || !option->is_optional, number);
	case ATTRIBUTE_NONE:
		break;
	}
	return (struct sql_value){ .type = VALUE_END };
}

struct sql_value *attribute_values(const struct option *options, const void *row,
				   struct sql_value *ret_values)
{
	for (; options->name; options++)
		if (options->type != ATTRIBUTE_NONE)
			*ret_values++ = value_of(options, (const char *)row + options->offset);
	*ret_values = (struct sql_value){ .type = VALUE_END };
	return ret_values;
}
