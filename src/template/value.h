#pragma once

/*
 * The data that a template is expanded with: texts in UTF-8, Booleans, lists and maps, nested.
 * Values are plain and borrow everything they point to.
 */

#include "util/base.h"

enum value_type { VALUE_FALSE, VALUE_TRUE, VALUE_TEXT, VALUE_LIST, VALUE_MAP };

struct field;

struct value {
	enum value_type type;
	union {
		const char *text;
		struct {
			const struct value *items;
			size_t count;
		} list;
		struct {
			const struct field *fields;
			size_t count;
		} map;
	};
};

/* One entry of a map. */
struct field {
	const char *name;
	struct value value;
};

static inline struct value value_bool(bool truth)
{
	return (struct value){ .type = truth ? VALUE_TRUE : VALUE_FALSE };
}

/* A text; NULL is false. */
static inline struct value value_text(const char *text)
{
	if (!text)
		return value_bool(false);
	return (struct value){ .type = VALUE_TEXT, .text = text };
}

static inline struct value value_list(const struct value *items, size_t count)
{
	return (struct value){ .type = VALUE_LIST, .list = { items, count } };
}

static inline struct value value_map(const struct field *fields, size_t count)
{
	return (struct value){ .type = VALUE_MAP, .map = { fields, count } };
}

/* A map of the fields, each { NAME, VALUE }, which lives in memory. */
#define VALUE_MAP(memory, ...) value_map_in((memory), (const struct field[]){ __VA_ARGS__, { 0 } })

/* A map of a copy of the fields, which end with one without a name. */
static inline struct value value_map_in(struct arena *memory, const struct field *fields)
{
	size_t count = 0;

	while (fields[count].name)
		count++;
	return value_map(arena_copy(memory, fields, count, sizeof(*fields)), count);
}

/* Whether a section shows: an empty list and an empty text are as good as false, so that no
 * template writes an element around nothing. */
static inline bool value_is_true(const struct value *value)
{
	switch (value->type) {
	case VALUE_FALSE:
		return false;
	case VALUE_TEXT:
		return *value->text;
	case VALUE_LIST:
		return value->list.count > 0;
	default:
		return true;
	}
}
