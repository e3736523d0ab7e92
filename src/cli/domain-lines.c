/* The lines are sorted by the domain's name, so that they can be laid beside those that there are.
 */

#include "cli/domain-lines.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/domains.h"
#include "admin/moved-to.h"
#include "import/csv.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/input.h"

enum { DOMAIN, PROVIDER, ALIAS_OF, ENABLED, MOVED_TO, COLUMNS };

static const struct csv_column columns[COLUMNS] = {
	[DOMAIN] = { "domain", true },	    [PROVIDER] = { "provider", false },
	[ALIAS_OF] = { "alias_of", false }, [ENABLED] = { "enabled", false },
	[MOVED_TO] = { "moved_to", false },
};

void domain_lines_refuse(struct domain_lines *lines, unsigned long line, const char *format, ...)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	va_list args;

	va_start(args, format);
	report_add(&lines->bad, line, arena_vprintf(&memory, format, args));
	va_end(args);
}

static void note_bad(unsigned long line, const char *reason, void *context)
{
	struct domain_lines *lines = context;

	report_add(&lines->bad, line, reason);
}

static const char *keep(struct arena *memory, const char *text)
{
	return text ? arena_strdup(memory, text) : NULL;
}

/* Returns 0, or -1 with err set to what is wrong with the line. */
static int take_line(struct domain_lines *lines, const char *const *values, unsigned long number,
		     struct error *err)
{
	struct arena *memory = lines->memory;
	struct domain_line line = {
		.number = number,
		.provider = keep(memory, values[PROVIDER]),
		.alias_of = keep(memory, values[ALIAS_OF]),
		.enabled = keep(memory, values[ENABLED]),
	};

	line.name = domain_parse(memory, values[DOMAIN], true, err);
	if (!line.name)
		return -1;
	if (line.provider && *line.provider && line.alias_of && *line.alias_of)
		return error_set(err, ERROR_INPUT,
				 "domain '%s' can have a provider or be an alias, not both",
				 line.name);
	if (line.enabled && !text_equals(line.enabled, "yes") && !text_equals(line.enabled, "no"))
		return error_set(err, ERROR_INPUT, "enabled is yes or no, not '%s'", line.enabled);
	if (line.alias_of && *line.alias_of) {
		line.alias_of = domain_parse(memory, line.alias_of, true, err);
		if (!line.alias_of)
			return -1;
	}
	if (values[MOVED_TO]) {
		if (moves_parse_domain(memory, values[MOVED_TO], &line.moved_to, err) < 0)
			return -1;
		if (!line.moved_to)
			line.moved_to = "";
		if (text_equals(line.moved_to, line.name))
			return error_set(err, ERROR_INPUT, "domain '%s' cannot move to itself",
					 line.name);
	}
	if ((lines->count & (lines->count - 1)) == 0)
		lines->items = xrealloc(lines->items, lines->count ? lines->count * 2 : 1,
					sizeof(line));
	lines->items[lines->count++] = line;
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct domain_line *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->number > right->number) - (left->number < right->number);
}

static bool says_the_same(const struct domain_line *a, const struct domain_line *b)
{
	return text_same(a->provider, b->provider) && text_same(a->alias_of, b->alias_of) &&
	       text_same(a->enabled, b->enabled) && text_same(a->moved_to, b->moved_to);
}

/* Sorts the lines by name; of two that say different things the file must choose. */
static void sort_lines(struct domain_lines *lines)
{
	struct domain_line *items = lines->items;
	size_t kept = 0;

	if (lines->count == 0)
		return;
	qsort(items, lines->count, sizeof(*items), compare_lines);
	for (size_t i = 1; i < lines->count; i++) {
		if (!text_equals(items[i].name, items[kept].name))
			items[++kept] = items[i];
		else if (!says_the_same(&items[i], &items[kept]))
			domain_lines_refuse(lines, items[i].number,
					    "domain '%s' is something else here than in line %lu",
					    items[i].name, items[kept].number);
	}
	lines->count = kept + 1;
}

int domain_lines_read(struct domain_lines *lines, struct input *input, struct error *err)
{
	_cleanup_(source_clear) struct source source;
	_cleanup_(csv_clear) struct csv csv;
	const char *values[COLUMNS];
	int r;

	lines->bad.name = input->name;
	source_init(&source, input, note_bad, lines);
	r = csv_begin(&csv, &source, columns, COLUMNS, err);
	while (r == 0 && (r = csv_next(&csv, values, err)) == 0)
		if (take_line(lines, values, csv.line, err) < 0)
			report_add(&lines->bad, csv.line, err->text);
	if (r < 0)
		return -1;
	sort_lines(lines);
	return 0;
}

void domain_lines_clear(struct domain_lines *lines)
{
	report_clear(&lines->bad);
	free(lines->items);
}

void domain_lines_write(FILE *stream, const struct domain *domains, size_t count)
{
	csv_write_header(stream, columns, COLUMNS);
	for (size_t i = 0; i < count; i++) {
		const char *const values[COLUMNS] = {
			[DOMAIN] = domains[i].name,
			[PROVIDER] = domains[i].provider,
			[ALIAS_OF] = domains[i].alias_of,
			[ENABLED] = domains[i].is_enabled ? "yes" : "no",
			[MOVED_TO] = domains[i].moved_to,
		};

		csv_write_record(stream, values, COLUMNS);
	}
}
