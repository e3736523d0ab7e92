#include "tls/coverage.h"

#include <string.h>

#include "util/arena.h"
#include "util/string-list.h"

struct coverage coverage_of(struct arena *memory, const struct certificate *certificates,
			    size_t count, time_t now)
{
	struct coverage coverage = { 0 };
	size_t room = 0;

	for (size_t i = 0; i < count; i++)
		room += certificates[i].n_names;
	coverage.names = arena_array(memory, const char *, room);
	for (size_t i = 0; i < count; i++) {
		if (certificates[i].starts > now || certificates[i].expires <= now)
			continue;
		for (size_t j = 0; j < certificates[i].n_names; j++)
			coverage.names[coverage.count++] = certificates[i].names[j];
	}
	coverage.count = texts_sort(coverage.names, coverage.count);
	return coverage;
}

static bool has(const struct coverage *coverage, const char *name)
{
	return texts_find(coverage->names, coverage->count, name);
}

bool coverage_has(struct arena *memory, const struct coverage *coverage, const char *name)
{
	const char *dot = strchr(name, '.');

	return has(coverage, name) ||
	       (dot && dot != name && has(coverage, arena_printf(memory, "*%s", dot)));
}
