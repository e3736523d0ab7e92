#include "cli/import-report.h"

#include <stdarg.h>

#include "admin/admin.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/print.h"

static void clear_line(struct report_line *line)
{
	free(line->text);
	free(line->hint);
}

void report_clear(struct report *report)
{
	for (size_t i = 0; i < report->kept; i++)
		clear_line(&report->lines[i]);
	report->kept = report->count = 0;
}

static void add_line(struct report *report, unsigned long line, const char *text, const char *hint)
{
	size_t at = report->kept;

	report->count++;
	if (report->kept == REPORT_LINES_MAX) {
		at = 0;
		for (size_t i = 1; i < report->kept; i++)
			if (report->lines[i].line > report->lines[at].line)
				at = i;
		if (report->lines[at].line <= line)
			return;
		clear_line(&report->lines[at]);
	} else {
		report->kept++;
	}
	report->lines[at] = (struct report_line){
		.line = line,
		.text = xstrdup(text),
		.hint = *hint ? xstrdup(hint) : NULL,
	};
}

void report_add(struct report *report, unsigned long line, const char *format, ...)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	va_list args;

	va_start(args, format);
	add_line(report, line, arena_vprintf(&memory, format, args), "");
	va_end(args);
}

void report_note(unsigned long line, const char *reason, void *report)
{
	add_line(report, line, reason, "");
}

void report_add_error(struct report *report, unsigned long line, const struct error *err)
{
	add_line(report, line, err->text, err->hint);
}

static int compare_lines(const void *a, const void *b)
{
	unsigned long left = ((const struct report_line *)a)->line;
	unsigned long right = ((const struct report_line *)b)->line;

	return (left > right) - (left < right);
}

/* A hint that several lines share is printed once, after the first of them. */
static bool is_hint_known(const struct report *report, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (report->lines[i].hint &&
		    strcmp(report->lines[i].hint, report->lines[at].hint) == 0)
			return true;
	return false;
}

static void print_lines(struct report *report, const char *prefix, const char *more,
			void (*print)(const char *text, const char *hint))
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	qsort(report->lines, report->kept, sizeof(*report->lines), compare_lines);
	for (size_t i = 0; i < report->kept; i++) {
		const struct report_line *line = &report->lines[i];

		print(arena_printf(&memory, "%s:%lu: %s%s", report->name, line->line, prefix,
				   line->text),
		      line->hint && !is_hint_known(report, i) ? line->hint : NULL);
	}
	if (report->count > report->kept)
		print(arena_printf(&memory, "%s: %zu more %s", report->name,
				   report->count - report->kept, more),
		      NULL);
}

void report_warn_of_skipped(struct report *report)
{
	print_lines(report, "skipped: ", "lines skipped", warning_print);
}

int report_refuse(struct report *report, struct error *err)
{
	print_lines(report, "", "bad lines", error_print);
	return error_set(err, ERROR_INPUT, "%s: %zu bad line%s; nothing is imported", report->name,
			 report->count, report->count == 1 ? "" : "s");
}

void report_counts(struct admin *admin, const struct arguments *arguments, const char *what,
		   const struct row_counts *counts, size_t skipped)
{
	bool is_dry = option_is_given(arguments, "dry-run");
	struct texts others = admin->messages;
	const char *and_skipped = "";

	/* In a dry run the other messages, of what would be done, follow. */
	if (is_dry || arguments->is_json)
		admin->messages = TEXTS_IN(others.memory);
	if (arguments->is_json) {
		entry_print(json_pack("{sI sI sI sI sI sb}", "added", (json_int_t)counts->added,
				      "changed", (json_int_t)counts->changed, "removed",
				      (json_int_t)counts->removed, "unchanged",
				      (json_int_t)counts->unchanged, "skipped", (json_int_t)skipped,
				      "dry_run", is_dry),
			    true);
		return;
	}
	if (skipped > 0)
		and_skipped = arena_printf(admin->memory, "; %zu line%s skipped", skipped,
					   skipped == 1 ? "" : "s");
	admin_say(admin, "%s%lld %s%s %sadded, %lld changed, %lld removed%s",
		  is_dry ? "dry run: " : "", (long long)counts->added, what,
		  counts->added == 1 ? "" : "s", is_dry ? "would be " : "",
		  (long long)counts->changed, (long long)counts->removed, and_skipped);
	for (size_t i = 0; i < others.count && is_dry; i++)
		texts_add(&admin->messages, others.items[i]);
}
