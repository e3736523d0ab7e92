#include "import/csv.h"

#include <assert.h>

#include "util/log.h"

/* An error has little room, and an unknown column name may be long. */
#define NAME_SHOWN_MAX 60

enum shape { SHAPE_WHOLE, SHAPE_OPEN, SHAPE_ENDLESS, SHAPE_STRAY_QUOTE, SHAPE_AFTER_QUOTE };

static const char *const faults[] = {
	[SHAPE_OPEN] = "a quote that is opened here is not closed before the end of the file",
	[SHAPE_ENDLESS] = "a quote that is opened here is not closed within 65536 bytes",
	[SHAPE_STRAY_QUOTE] = "a field with a quote must be in quotes, and the quote doubled",
	[SHAPE_AFTER_QUOTE] = "a field in quotes must be followed by a comma",
};

_Static_assert(SOURCE_LINE_MAX == 65536, "as in faults");

/* Whether the quotes of a record are valid, or open, so that it continues in the next line. */
static enum shape shape_of(const char *text)
{
	if (!strchr(text, '"'))
		return SHAPE_WHOLE;
	for (;; text++) {
		if (*text == '"') {
			for (text++; *text != '"' || text[1] == '"'; text++) {
				if (!*text)
					return SHAPE_OPEN;
				text += *text == '"';
			}
			text++;
			if (*text && *text != ',')
				return SHAPE_AFTER_QUOTE;
		} else {
			text += strcspn(text, ",\"");
			if (*text == '"')
				return SHAPE_STRAY_QUOTE;
		}
		if (!*text)
			return SHAPE_WHOLE;
	}
}

static void keep_line(struct csv *csv, size_t at, const char *line, size_t size)
{
	if (at + size + 2 > csv->room) {
		csv->room = at + size + 2 + SOURCE_LINE_MAX;
		csv->record = xrealloc(csv->record, csv->room, 1);
	}
	memcpy(csv->record + at, line, size + 1);
}

/* Reads the next record with valid quotes. Where its first line leaves a quote open, it has more,
 * until the quotes have another shape or the file ends. */
static int read_record(struct csv *csv, char **ret_record, struct error *err)
{
	char *line;
	size_t size;
	int r;

	while ((r = source_line(csv->source, &line, &size, err)) == 0) {
		enum shape shape = shape_of(line);
		size_t at = size + 1;

		if (size == 0)
			continue;
		csv->line = csv->source->line;
		*ret_record = line;
		if (shape == SHAPE_OPEN)
			keep_line(csv, 0, line, size);
		while (shape == SHAPE_OPEN &&
		       (r = source_line(csv->source, &line, &size, err)) == 0) {
			if (at + size > SOURCE_LINE_MAX) {
				shape = SHAPE_ENDLESS;
				break;
			}
			keep_line(csv, at, line, size);
			csv->record[at - 1] = '\n';
			if (strchr(csv->record + at, '"'))
				shape = shape_of(csv->record);
			at += size + 1;
			*ret_record = csv->record;
		}
		if (r < 0)
			return -1;
		if (shape == SHAPE_WHOLE)
			return 0;
		source_bad(csv->source, csv->line, "%s", faults[shape]);
	}
	return r < 0 ? -1 : CSV_END;
}

/* Cuts the first field off the rest of a record, in place. rest is NULL after the last. */
static char *take_field(char **rest)
{
	char *field = *rest, *from, *to;

	if (*field != '"') {
		char *comma = strchr(field, ',');

		if (comma)
			*comma = '\0';
		*rest = comma ? comma + 1 : NULL;
		return field;
	}
	for (from = to = field + 1; *from != '"' || from[1] == '"'; from++) {
		from += *from == '"';
		*to++ = *from;
	}
	*rest = from[1] ? from + 2 : NULL;
	*to = '\0';
	return field + 1;
}

/* Whether the file has the column. */
static bool csv_has(const struct csv *csv, size_t column)
{
	for (size_t i = 0; i < csv->n_fields; i++)
		if (csv->order[i] == column)
			return true;
	return false;
}

static int refuse_name(struct csv *csv, const char *name)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes known = BYTES_IN(&memory);

	for (size_t i = 0; i < csv->n_columns; i++)
		bytes_add_format(&known, "%s%s",
				 i == 0			   ? ""
				 : i + 1 == csv->n_columns ? " and "
							   : ", ",
				 csv->columns[i].name);
	source_bad(csv->source, csv->line,
		   "unknown column %s: this line must be the header of a CSV, with the columns %s",
		   log_quote(&memory, arena_strndup(&memory, name, strnlen(name, NAME_SHOWN_MAX))),
		   bytes_text(&known));
	return CSV_END;
}

int csv_begin(struct csv *csv, struct source *source, const struct csv_column *columns,
	      size_t n_columns, struct error *err)
{
	char *rest;
	int r;

	assert(n_columns <= CSV_COLUMNS_MAX);
	*csv = (struct csv){ .source = source, .columns = columns, .n_columns = n_columns };
	r = read_record(csv, &rest, err);
	if (r == CSV_END)
		source_bad(source, 1, "the header is missing, such as '%s,%s'", columns[0].name,
			   columns[1].name);
	if (r != 0)
		return r;
	while (rest) {
		const char *name = take_field(&rest);
		size_t i = 0;

		while (i < n_columns && !text_equals_ignoring_case(columns[i].name, name))
			i++;
		if (i == n_columns)
			return refuse_name(csv, name);
		if (csv_has(csv, i)) {
			source_bad(source, csv->line, "duplicate column '%s'", columns[i].name);
			return CSV_END;
		}
		csv->order[csv->n_fields++] = i;
	}
	for (size_t i = 0; i < n_columns; i++)
		if (columns[i].is_required && !csv_has(csv, i)) {
			source_bad(source, csv->line, "the header lacks the column '%s'",
				   columns[i].name);
			return CSV_END;
		}
	return 0;
}

void csv_clear(struct csv *csv)
{
	free(csv->record);
	csv->record = NULL;
}

int csv_next(struct csv *csv, const char **values, struct error *err)
{
	char *rest;
	int r;

	while ((r = read_record(csv, &rest, err)) == 0) {
		size_t count = 0;

		memset(values, 0, csv->n_columns * sizeof(*values));
		while (rest) {
			char *field = take_field(&rest);

			if (count < csv->n_fields)
				values[csv->order[count]] = field;
			count++;
		}
		if (count == csv->n_fields)
			return 0;
		source_bad(csv->source, csv->line, "the line has %zu field%s, but the header %zu",
			   count, count == 1 ? "" : "s", csv->n_fields);
	}
	return r;
}

void csv_write_record(FILE *stream, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *field = fields[i] ?: "";

		if (i)
			putc(',', stream);
		if (!strpbrk(field, ",\"\r\n")) {
			fputs(field, stream);
			continue;
		}
		putc('"', stream);
		for (; *field; field++) {
			if (*field == '"')
				putc('"', stream);
			putc(*field, stream);
		}
		putc('"', stream);
	}
	putc('\n', stream);
}

void csv_write_header(FILE *stream, const struct csv_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s%s", i ? "," : "", columns[i].name);
	putc('\n', stream);
}
