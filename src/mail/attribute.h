#pragma once

/*
 * Options of the administration tool. Some are attributes: values of a row of the database that an
 * administrator can set. An attribute is described once, by a row of a table such as
 * provider_options; options, columns, JSON keys, the commands of 'export', help and completion
 * follow from it.
 *
 * The JSON key is the name with underscores in place of hyphens.
 */

#include "util/base.h"

enum attribute_type {
	ATTRIBUTE_NONE,	  /* only an option */
	ATTRIBUTE_TEXT,	  /* const char * */
	ATTRIBUTE_TRUTH,  /* bool: yes or no; or true where the option, without a value, is given */
	ATTRIBUTE_CHOICE, /* an enum whose values are the words in their order: "pattern|refuse" */
	ATTRIBUTE_WISH,	  /* enum wish: "unset|no|yes"; NULL, 1 or 0 in the database */
	ATTRIBUTE_NUMBER, /* unsigned, from min to max */
};

/* An option, in a table that ends with one without a name. */
struct option {
	const char *name;    /* without its dashes */
	const char *value;   /* NULL: none; "TEXT": what help calls it; "yes|no": one of these */
	const char *summary; /* at most ten words, then the default */
	bool repeats;	     /* may be given any number of times */

	/* Of attributes. */
	enum attribute_type type;
	size_t offset;	    /* of the member of the struct */
	bool is_optional;   /* '' unsets it: NULL or 0, and NULL in the database */
	bool is_negated;    /* the member is the opposite of the option */
	bool leads_away;    /* clients or people go there: checked at each reading, too */
	const char *column; /* NULL: as the JSON key */
	const char *what;   /* names the text in errors: "display name" */
	unsigned min, max;  /* of a number; or max characters of a text */

	/* Checks a text. Returns it in its normal form, which may be in memory, or NULL with err
	 * set. */
	const char *(*parse)(struct arena *memory, const struct option *option, const char *text,
			     struct error *err);
};

/* The JSON key: "display_name". In memory. */
const char *attribute_key(struct arena *memory, const struct option *option);

/* Sets the member of the struct from the option's value, one of its words where it has such.
 * Returns 0 or -1 with err set. */
int attribute_set(struct arena *memory, const struct option *option, void *row, const char *text,
		  struct error *err);

/* The value of the option that would set the member, "" for one without a value; NULL where it is
 * unset. May be in memory. */
const char *attribute_text(struct arena *memory, const struct option *option, const void *row);

/* For options whose parse is a check of their own. */
const char *attribute_parse_text(struct arena *memory, const struct option *option,
				 const char *text, struct error *err);
const char *attribute_parse_url(struct arena *memory, const struct option *option, const char *text,
				struct error *err);

/* The word of this index in "pattern|refuse", and its length. */
const char *choice_word(const char *choices, unsigned index, size_t *ret_length);

/* The index of the word, -1 for none. */
int choice_index(const char *choices, const char *word);
