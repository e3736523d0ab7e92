#include "util/did-you-mean.h"

/* Longer names are not guessed. */
#define NAME_MAX_LENGTH 100

#define MISTAKES_MAX 2

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, row by row; each keeps the two rows before it. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NAME_MAX_LENGTH + 1];

	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			char c = char_lower(a[i - 1]), d = char_lower(b[j - 1]);

			row[j] = least_of(above[j - 1] + (c != d),
					  1 + least_of(above[j], row[j - 1]));
			if (i > 1 && j > 1 && c == char_lower(b[j - 2]) &&
			    d == char_lower(a[i - 2]))
				row[j] = least_of(row[j], before[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

size_t similar_mistakes(const char *typed, const char *name)
{
	size_t typed_length = strlen(typed), name_length = strlen(name);
	size_t limit = name_length < 4 ? 1 : MISTAKES_MAX, mistakes;

	/* Most of many names differ in their length already. */
	if (typed_length > NAME_MAX_LENGTH || name_length > NAME_MAX_LENGTH ||
	    typed_length > name_length + limit || name_length > typed_length + limit)
		return SIMILAR_NEVER;
	mistakes = edit_distance(typed, typed_length, name, name_length);
	return mistakes <= limit ? mistakes : SIMILAR_NEVER;
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
	size_t mistakes = similar_mistakes(nearest->word, candidate);

	if (mistakes < nearest->mistakes) {
		nearest->found = candidate;
		nearest->mistakes = mistakes;
	}
}
