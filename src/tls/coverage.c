#include "tls/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "util/arena.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

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
	if (coverage.count)
		qsort(coverage.names, coverage.count, sizeof(*coverage.names), compare);
	return coverage;
}

static bool has(const struct coverage *coverage, const char *name)
{
	return coverage->count &&
	       bsearch(&name, coverage->names, coverage->count, sizeof(name), compare);
}

bool coverage_has(struct arena *memory, const struct coverage *coverage, const char *name)
{
	const char *dot = strchr(name, '.');

	return has(coverage, name) ||
	       (dot && dot != name && has(coverage, arena_printf(memory, "*%s", dot)));
}
