#include "store/database.h"

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

static void bind_choice(sqlite3_stmt *query, int parameter, const char *words, unsigned index)
{
	size_t length;
	const char *word = choice_word(words, index, &length);

	sqlite3_bind_text(query, parameter, word, (int)length, SQLITE_STATIC);
}

int query_bind_attributes(sqlite3_stmt *query, int parameter, const struct option *options,
			  const void *row)
{
	for (; options->name; options++) {
		const void *member = (const char *)row + options->offset;

		switch (options->type) {
		case ATTRIBUTE_NONE:
			continue;
		case ATTRIBUTE_TEXT:
			query_bind_text(query, parameter, *(const char *const *)member);
			break;
		case ATTRIBUTE_TRUTH:
			sqlite3_bind_int(query, parameter, *(const bool *)member);
			break;
		case ATTRIBUTE_CHOICE:
			bind_choice(query, parameter, options->value, *(const unsigned *)member);
			break;
		case ATTRIBUTE_WISH:
			if (*(const enum wish *)member != WISH_NONE)
				sqlite3_bind_int(query, parameter,
						 *(const enum wish *)member == WISH_YES);
			break;
		case ATTRIBUTE_NUMBER:
			if (*(const unsigned *)member > 0 || !options->is_optional)
				sqlite3_bind_int64(query, parameter, *(const unsigned *)member);
			break;
		}
		parameter++;
	}
	return parameter;
}
