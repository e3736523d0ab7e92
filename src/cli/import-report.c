#include "cli/import-report.h"

#include <stdlib.h>

#include "cli/print.h"
#include "util/error.h"

static size_t latest(const struct report *report)
{
	size_t found = 0;

	for (size_t i = 1; i < report->kept; i++)
		if (report->lines[i].line > report->lines[found].line)
			found = i;
	return found;
}

void report_add(struct report *report, unsigned long line, const char *text)
{
	size_t at = report->kept;

	report->count++;
	if (report->kept == REPORT_LINES_MAX) {
		at = latest(report);
		if (report->lines[at].line <= line)
			return;
		free(report->lines[at].text);
	} else {
		report->kept++;
	}
	report->lines[at] = (struct report_line){ .line = line, .text = xstrdup(text) };
}

void report_clear(struct report *report)
{
	for (size_t i = 0; i < report->kept; i++)
		free(report->lines[i].text);
	report->kept = report->count = 0;
}

static int compare(const void *a, const void *b)
{
	unsigned long left = ((const struct report_line *)a)->line;
	unsigned long right = ((const struct report_line *)b)->line;

	return (left > right) - (left < right);
}

void report_print(struct report *report, const char *prefix, const char *more, bool as_warnings)
{
	void (*print)(const char *text, const char *hint) = as_warnings ? warning_print
									: error_print;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	qsort(report->lines, report->kept, sizeof(*report->lines), compare);
	for (size_t i = 0; i < report->kept; i++)
		print(arena_printf(&memory, "%s:%lu: %s%s", report->name, report->lines[i].line,
				   prefix, report->lines[i].text),
		      NULL);
	if (report->count > report->kept)
		print(arena_printf(&memory, "%s: %zu more %s", report->name,
				   report->count - report->kept, more),
		      NULL);
}

int report_refuse(struct report *report, struct error *err)
{
	report_print(report, "", "bad lines", false);
	return error_set(err, ERROR_INPUT, "%s: %zu bad line%s; nothing is imported", report->name,
			 report->count, report->count == 1 ? "" : "s");
}
