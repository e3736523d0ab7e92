#include "template/value.h"

struct value value_map_in(struct arena *memory, const struct field *fields, size_t count)
{
	struct field *copy = arena_array(memory, struct field, count);

	memcpy(copy, fields, count * sizeof(*fields));
	return value_map(copy, count);
}
