#include "cli/entry.h"

#include "cli/print.h"
#include "cli/terminal.h"
#include "mail/attribute.h"

/* Entries that a list holds back to find the widths of its columns. */
#define LIST_ROWS_MAX 1000
#define LIST_COLUMNS_MAX 8

/* Spaces between columns. */
#define COLUMN_GAP 2

/* A terminal that is too narrow for this much of each column gets broken lines. */
#define LIST_CELLS_MIN 6

static bool has_printed_json;

struct list {
	struct arena memory; /* of the rows held back */
	char *text;	     /* the columns */
	const char *columns[LIST_COLUMNS_MAX];
	size_t n_columns;
	size_t widths[LIST_COLUMNS_MAX];
	const char *rows[LIST_ROWS_MAX][LIST_COLUMNS_MAX];
	size_t n_rows;
	size_t limit; /* of a line in cells, 0 for none */
	bool as_json;
	bool has_begun; /* something is printed */
};

bool entry_has_printed_json(void)
{
	return has_printed_json;
}

void entry_put(json_t *entry, const char *key, json_t *value)
{
	if (json_object_set_new(entry, key, value) < 0)
		abort(); /* out of memory: every value is made valid before */
}

json_t *json_text(const char *text)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	if (utf8_is_valid(text, strlen(text)))
		return json_string(text);
	return json_string(text_escape(&memory, text));
}

void entry_put_text(json_t *entry, const char *key, const char *text)
{
	if (text)
		entry_put(entry, key, json_text(text));
}

json_t *entry_of_pairs(const char *const *pairs)
{
	json_t *entry = json_object();

	for (; *pairs; pairs += 2)
		entry_put_text(entry, pairs[0], pairs[1]);
	return entry;
}

void array_add(json_t *array, json_t *item)
{
	if (json_array_append_new(array, item) < 0)
		abort(); /* out of memory */
}

json_t *array_of_texts(const char *const *texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		array_add(array, json_text(texts[i]));
	return array;
}

void entry_put_attributes(json_t *entry, const struct option *table, const void *row)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (; table->name; table++) {
		const char *text = attribute_text(&memory, table, row);
		json_t *value;

		if (table->type == ATTRIBUTE_TRUTH || (text && table->type == ATTRIBUTE_WISH))
			value = json_boolean(text && text_equals(text, table->value ? "yes" : ""));
		else if (!text)
			continue;
		else if (table->type == ATTRIBUTE_NUMBER)
			value = json_integer(strtoll(text, NULL, 10));
		else
			value = json_text(text);
		entry_put(entry, attribute_key(&memory, table), value);
	}
}

/* jansson escapes what JSON must escape; other control characters of terminals are in strings only,
 * where the same \u009b is JSON's own way to write it. */
static void print_json(json_t *value, size_t flags)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(freep) char *text = json_dumps(value, flags);

	if (!text)
		abort(); /* out of memory */
	has_printed_json = true;
	fputs(text_escape_within_lines(&memory, text), stdout);
}

/* DISPLAY-NAME of display_name: people know the options. */
static const char *label_of(struct arena *memory, const char *key, bool is_heading)
{
	char *label = arena_strdup(memory, key);

	for (char *c = label; *c; c++) {
		if (*c == '_')
			*c = '-';
		else if (is_heading && *c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	return label;
}

static const char *cell_text(struct arena *memory, const json_t *value)
{
	struct bytes list = BYTES_IN(memory);
	const char *key;
	size_t index;
	json_t *item;

	if (!value)
		return "";
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (json_is_string(value))
		return text_escape(memory, json_string_value(value));
	if (json_is_integer(value))
		return arena_printf(memory, "%lld", (long long)json_integer_value(value));
	if (json_is_object(json_array_get(value, 0)))
		return arena_printf(memory, "%zu", json_array_size(value));
	/* leave-on-server=yes, leave-days=14 */
	json_object_foreach((json_t *)value, key, item)
		bytes_add_format(&list, "%s%s=%s", list.size ? ", " : "",
				 label_of(memory, key, false), cell_text(memory, item));
	json_array_foreach(value, index, item)
		bytes_add_format(&list, "%s%s", index ? "," : "", cell_text(memory, item));
	return bytes_text(&list);
}

static void print_padded(const char *text, size_t width)
{
	size_t used = cells_of(text);

	printf("%s%*s", text, used < width ? (int)(width - used) : 0, "");
}

static bool is_empty_value(const json_t *value)
{
	if (json_is_array(value))
		return json_array_size(value) == 0;
	if (json_is_object(value))
		return json_object_size(value) == 0;
	return json_is_string(value) && json_string_length(value) == 0;
}

/* The first member stands for itself, the others follow by name, and what does not hold is left
 * out:  imaps://imap.example.org  auth: OAuth2  first */
static void print_object_line(struct arena *memory, const json_t *object)
{
	const char *key, *gap = "";
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (json_is_false(value) || is_empty_value(value))
			continue;
		if (json_is_true(value))
			printf("%s%s", gap, label_of(memory, key, false));
		else if (*gap)
			printf("%s%s: %s", gap, label_of(memory, key, false),
			       cell_text(memory, value));
		else
			printf("%s", cell_text(memory, value));
		gap = "  ";
	}
	putchar('\n');
}

static void print_for_people(json_t *entry)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	size_t width = 0, index;
	json_t *value, *item;
	const char *key;

	json_object_foreach(entry, key, value) if (strlen(key) > width) width = strlen(key);
	width += 2;
	json_object_foreach(entry, key, value)
	{
		const char *label = label_of(&memory, key, false);

		if (is_empty_value(value)) {
			puts(label);
			continue;
		}
		print_padded(label, width);
		if (!json_is_array(value))
			puts(cell_text(&memory, value));
		json_array_foreach(value, index, item)
		{
			if (index)
				print_padded("", width);
			if (json_is_object(item))
				print_object_line(&memory, item);
			else
				puts(cell_text(&memory, item));
		}
	}
}

void entry_print(json_t *entry, bool as_json)
{
	if (as_json) {
		print_json(entry, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_for_people(entry);
	}
	json_decref(entry);
}

void text_member_begin(struct text_member *member, const char *key)
{
	member->has_texts = false;
	printf("{\n  \"%s\": [", key);
}

void text_member_add(struct text_member *member, const char *text)
{
	json_t *value = json_string(text);

	fputs(member->has_texts ? ",\n    " : "\n    ", stdout);
	member->has_texts = true;
	print_json(value, JSON_ENCODE_ANY);
	json_decref(value);
}

void text_member_end(struct text_member *member, json_t *others)
{
	fputs(member->has_texts ? "\n  ]," : "],", stdout);
	print_json(others, JSON_INDENT(2) | JSON_EMBED);
	fputs("}\n", stdout);
	json_decref(others);
}

struct list *list_new(const char *columns, bool as_json)
{
	struct list *list = xnew(struct list);
	char *rest = list->text = xstrdup(columns);

	while (list->n_columns < LIST_COLUMNS_MAX && rest)
		list->columns[list->n_columns++] = strsep(&rest, " ");
	list->as_json = as_json;
	list->limit = as_json ? 0 : terminal_width(stdout);
	return list;
}

void list_free(struct list *list)
{
	if (!list)
		return;
	arena_clear(&list->memory);
	free(list->text);
	free(list);
}

static void list_widen(struct list *list, const char *const *cells)
{
	for (size_t i = 0; i < list->n_columns; i++) {
		size_t width = cells_of(cells[i]);

		if (width > list->widths[i])
			list->widths[i] = width;
	}
}

/* The cells of a line whose columns are at most so wide. */
static size_t line_width(const struct list *list, size_t width_max)
{
	size_t width = COLUMN_GAP * (list->n_columns - 1);

	for (size_t i = 0; i < list->n_columns; i++)
		width += list->widths[i] < width_max ? list->widths[i] : width_max;
	return width;
}

/* Without trailing spaces. */
static void print_row(struct list *list, const char *const *cells)
{
	size_t last = list->n_columns;

	while (last > 0 && !*cells[last - 1])
		last--;
	for (size_t i = 0; i < last; i++) {
		const char *cell = list->limit ? cells_cut(&list->memory, cells[i], list->widths[i])
					       : cells[i];

		if (i + 1 < last)
			print_padded(cell, list->widths[i] + COLUMN_GAP);
		else
			fputs(cell, stdout);
	}
}

static void print_heading(struct list *list)
{
	const char *heading[LIST_COLUMNS_MAX];
	size_t width_max = list->limit;

	for (size_t i = 0; i < list->n_columns; i++)
		heading[i] = label_of(&list->memory, list->columns[i], true);
	list_widen(list, heading);

	/* The widest columns give way first. */
	while (width_max > LIST_CELLS_MIN && line_width(list, width_max) > list->limit)
		width_max--;
	for (size_t i = 0; i < list->n_columns && list->limit; i++)
		if (list->widths[i] > width_max)
			list->widths[i] = width_max;

	fputs(terminal_colour(stdout, COLOUR_HEADING), stdout);
	print_row(list, heading);
	printf("%s\n", terminal_colour(stdout, COLOUR_NONE));
	list->has_begun = true;
}

static void list_flush(struct list *list)
{
	if (list->n_rows && !list->has_begun)
		print_heading(list);
	for (size_t i = 0; i < list->n_rows; i++) {
		print_row(list, list->rows[i]);
		putchar('\n');
	}
	list->n_rows = 0;
	arena_clear(&list->memory);
}

void list_add(struct list *list, json_t *entry)
{
	if (list->as_json) {
		fputs(list->has_begun ? ",\n  " : "[\n  ", stdout);
		list->has_begun = true;
		print_json(entry, 0);
	} else {
		const char **cells = list->rows[list->n_rows++];

		for (size_t i = 0; i < list->n_columns; i++)
			cells[i] = cell_text(&list->memory,
					     json_object_get(entry, list->columns[i]));
		if (!list->limit || !list->has_begun)
			list_widen(list, cells);
		if (list->n_rows == LIST_ROWS_MAX)
			list_flush(list);
	}
	json_decref(entry);
}

void list_end(struct list *list, const char *nothing)
{
	if (list->as_json) {
		fputs(list->has_begun ? "\n]\n" : "[]\n", stdout);
		has_printed_json = true;
		return;
	}
	list_flush(list);
	if (!list->has_begun && print_is_watched())
		fprintf(stderr, "mailconfctl: %s\n", nothing);
}
