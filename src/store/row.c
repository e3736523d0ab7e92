/*
 * Rows are checked when they are written, but a file can be corrupted, or changed with other tools:
 * a NOT NULL column may hold NULL, a STRICT column any type, and a text any length.
 */

#include "store/database.h"

/* In bytes. The longest value that mailconfctl writes is a list of networks. */
#define TEXT_MAX 65536

/* How much of an invalid key an error shows. */
#define SHOWN_MAX 128

/* The columns of its statements that are the primary key, -1 for none. */
static const struct {
	const char *name;
	int local, key;
} tables[] = {
	[TABLE_NAMES] = { "names", -1, -1 },	  [TABLE_DOMAIN] = { "domain", -1, 0 },
	[TABLE_USER] = { "user", 1, 0 },	  [TABLE_USER_MD5] = { "user_md5", -1, -1 },
	[TABLE_PROVIDER] = { "provider", -1, 0 }, [TABLE_SERVICE] = { "service", -1, -1 },
	[TABLE_LINK] = { "link", -1, -1 },	  [TABLE_SECRET] = { "secret", -1, -1 },
};

static const struct attribute_table {
	const char *name;
	const struct option *options;
} attribute_tables[] = {
	{ "provider", provider_options },
	{ "service", service_options },
	{ "pop3", pop3_options },
	{ 0 },
};

static void add_attributes(struct bytes *sql, const struct option *options, bool as_parameters)
{
	const char *separator = "";

	for (; options->name; options++) {
		if (options->type == ATTRIBUTE_NONE)
			continue;
		bytes_add_format(sql, "%s%s", separator,
				 as_parameters	   ? "?"
				 : options->column ? options->column
						   : attribute_key(sql->memory, options));
		separator = ", ";
	}
}

static const char *expand_attributes(struct arena *memory, const char *sql)
{
	struct bytes expanded = BYTES_IN(memory);

	while (*sql) {
		char mark = *sql++;
		const struct attribute_table *table = attribute_tables;

		while (table->name && strncmp(sql, table->name, strlen(table->name)) != 0)
			table++;
		if ((mark == '@' || mark == '?') && table->name) {
			add_attributes(&expanded, table->options, mark == '?');
			sql += strlen(table->name);
		} else {
			bytes_add_char(&expanded, mark);
		}
	}
	return bytes_text(&expanded);
}

int row_open(struct store *store, struct arena *memory, struct statement statement,
	     const struct sql_value *values, struct row *ret_row, struct error *err)
{
	_cleanup_(arena_clear) struct arena scratch = ARENA_NULL;
	struct prepared *prepared;
	size_t place = (uintptr_t)statement.sql / sizeof(void *);
	int count;

	*ret_row = (struct row){ .store = store, .memory = memory, .statement = statement };
	do
		prepared = &store->prepared[place++ % STATEMENTS_MAX];
	while (prepared->sql && prepared->sql != statement.sql);
	if (!prepared->query &&
	    sqlite3_prepare_v3(store->database, expand_attributes(&scratch, statement.sql), -1,
			       SQLITE_PREPARE_PERSISTENT, &prepared->query, NULL) != SQLITE_OK)
		return store_fail(store, err, statement.doing);
	prepared->sql = statement.sql;
	ret_row->query = prepared->query;
	count = values ? sqlite3_bind_parameter_count(ret_row->query) : 0;
	for (int i = 1; i <= count && values->type != VALUE_END; i++, values++) {
		if (values->type == VALUE_TEXT)
			sqlite3_bind_text(ret_row->query, i, values->data, (int)values->number,
					  values->is_copied ? SQLITE_TRANSIENT : SQLITE_STATIC);
		else if (values->type == VALUE_NUMBER)
			sqlite3_bind_int64(ret_row->query, i, values->number);
		else
			sqlite3_bind_blob(ret_row->query, i, values->data, (int)values->number,
					  SQLITE_STATIC);
	}
	return 0;
}

void row_close(struct row *row)
{
	if (!row->query)
		return;
	sqlite3_reset(row->query);
	sqlite3_clear_bindings(row->query);
	row->query = NULL;
}

int row_next(struct row *row, struct error *err)
{
	row->invalid = -1;
	switch (sqlite3_step(row->query)) {
	case SQLITE_ROW:
		return 0;
	case SQLITE_DONE:
		return STORE_NOT_FOUND;
	default:
		return store_fail(row->store, err, row->statement.doing);
	}
}

int row_find(struct store *store, struct arena *memory, struct statement statement,
	     const struct sql_value *values, struct row *ret_row, struct error *err)
{
	int r = row_open(store, memory, statement, values, ret_row, err);

	return r == 0 ? row_next(ret_row, err) : r;
}

static void row_reject(struct row *row, int column, const char *reason)
{
	if (row->invalid >= 0)
		return;
	row->invalid = column;
	row->reason = reason;
}

static bool has_type(struct row *row, int column, int type)
{
	int found = sqlite3_column_type(row->query, column);

	if (found == type)
		return true;
	row_reject(row, column,
		   found == SQLITE_NULL	 ? "is NULL"
		   : type == SQLITE_TEXT ? "is not text"
		   : type == SQLITE_BLOB ? "is not a blob"
					 : "is not an integer");
	return false;
}

/* The column's text, borrowed from the statement, and its length; NULL where it is invalid. */
static const char *valid_text(struct row *row, int column, size_t *ret_length)
{
	const char *text, *reason = NULL;
	size_t length;

	if (!has_type(row, column, SQLITE_TEXT))
		return NULL;
	text = (const char *)sqlite3_column_text(row->query, column);
	length = (size_t)sqlite3_column_bytes(row->query, column);
	if (!text)
		reason = "cannot be read";
	else if (length > TEXT_MAX)
		reason = "is too long";
	else if (memchr(text, '\0', length))
		reason = "has a NUL character";
	if (reason) {
		row_reject(row, column, reason);
		return NULL;
	}
	*ret_length = length;
	return text;
}

const char *row_text(struct row *row, int column)
{
	size_t length = 0;
	const char *text = valid_text(row, column, &length);

	if (!text)
		return "";
	return row->memory ? arena_strndup(row->memory, text, length) : text;
}

static bool is_null(const struct row *row, int column)
{
	return sqlite3_column_type(row->query, column) == SQLITE_NULL;
}

const char *row_text_or_null(struct row *row, int column)
{
	return is_null(row, column) ? NULL : row_text(row, column);
}

int64_t row_integer(struct row *row, int column, int64_t low, int64_t high)
{
	int64_t number;

	if (!has_type(row, column, SQLITE_INTEGER))
		return low;
	number = sqlite3_column_int64(row->query, column);
	if (number >= low && number <= high)
		return number;
	row_reject(row, column, "is out of range");
	return low;
}

int64_t row_integer_or_null(struct row *row, int column, int64_t low, int64_t high, int64_t null)
{
	return is_null(row, column) ? null : row_integer(row, column, low, high);
}

unsigned row_choice(struct row *row, int column, const char *words)
{
	size_t length = 0;
	const char *text = valid_text(row, column, &length);
	int index = text ? choice_index(words, text) : 0;

	if (index < 0)
		row_reject(row, column, "has an unknown value");
	return index < 0 ? 0 : (unsigned)index;
}

void row_blob(struct row *row, int column, void *ret_bytes, size_t size)
{
	const void *bytes;

	if (!has_type(row, column, SQLITE_BLOB))
		return;
	bytes = sqlite3_column_blob(row->query, column);
	if (bytes && (size_t)sqlite3_column_bytes(row->query, column) == size)
		memcpy(ret_bytes, bytes, size);
	else
		row_reject(row, column, "has the wrong length");
}

int row_attributes(struct row *row, int column, const struct option *options, void *ret_row)
{
	for (; options->name; options++) {
		void *member = (char *)ret_row + options->offset;
		int64_t number;

		switch (options->type) {
		case ATTRIBUTE_NONE:
			continue;
		case ATTRIBUTE_TEXT:
			*(const char **)member = options->is_optional
							 ? row_text_or_null(row, column)
							 : row_text(row, column);
			break;
		case ATTRIBUTE_TRUTH:
			*(bool *)member = row_integer(row, column, 0, 1);
			break;
		case ATTRIBUTE_CHOICE:
			*(unsigned *)member = row_choice(row, column, options->value);
			break;
		case ATTRIBUTE_WISH:
			number = row_integer_or_null(row, column, 0, 1, -1);
			*(enum wish *)member = number < 0 ? WISH_NONE : number ? WISH_YES : WISH_NO;
			break;
		case ATTRIBUTE_NUMBER:
			*(unsigned *)member =
				(unsigned)(options->is_optional
						   ? row_integer_or_null(row, column, options->min,
									 options->max, 0)
						   : row_integer(row, column, options->min,
								 options->max));
			break;
		}
		column++;
	}
	return column;
}

struct sql_value *attribute_values(const struct option *options, const void *row,
				   struct sql_value *ret_values)
{
	for (; options->name; options++) {
		const void *member = (const char *)row + options->offset;
		const char *word;
		unsigned number;
		size_t length;

		switch (options->type) {
		case ATTRIBUTE_NONE:
			continue;
		case ATTRIBUTE_TEXT:
			*ret_values++ = TEXT(*(const char *const *)member);
			break;
		case ATTRIBUTE_TRUTH:
			*ret_values++ = NUMBER(*(const bool *)member);
			break;
		case ATTRIBUTE_CHOICE:
			word = choice_word(options->value, *(const unsigned *)member, &length);
			*ret_values++ = TEXT_PART(word, length);
			break;
		case ATTRIBUTE_WISH:
			number = *(const enum wish *)member;
			*ret_values++ = NUMBER_OR_NULL(number != WISH_NONE, number == WISH_YES);
			break;
		case ATTRIBUTE_NUMBER:
			number = *(const unsigned *)member;
			*ret_values++ = NUMBER_OR_NULL(number > 0 || !options->is_optional, number);
			break;
		}
	}
	*ret_values = (struct sql_value){ .type = VALUE_END };
	return ret_values;
}

/* Adds what the row is found by, cut, since it may be of any type and length. Returns whether it
 * can be typed as an argument. */
static bool add_key(struct bytes *key, const struct row *row, int column)
{
	struct row probe = *row;
	const char *text;
	size_t length = 0, plain = 0;

	probe.invalid = -1;
	text = valid_text(&probe, column, &length);
	if (!text) {
		bytes_add_format(key, "(%s)", probe.reason);
		return false;
	}
	bytes_add_format(key, "%.*s", SHOWN_MAX, text);
	while (plain < length &&
	       (char_is_alphanumeric(text[plain]) || strchr("._-+*=@", text[plain])))
		plain++;
	return plain == length && length <= SHOWN_MAX;
}

int row_check(const struct row *row, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	int table = row->statement.table;
	struct bytes key = BYTES_IN(&memory);
	bool is_plain = true;

	if (row->invalid < 0)
		return 0;
	row->store->has_bad_pages = true;
	if (tables[table].local >= 0) {
		is_plain = add_key(&key, row, tables[table].local);
		bytes_add_char(&key, '@');
	}
	if (tables[table].key >= 0 && !add_key(&key, row, tables[table].key))
		is_plain = false;
	error_set(err, ERROR_ROW, "database '%s': invalid row%s%s%s in table %s: %s %s",
		  row->store->path, key.size ? " '" : "", bytes_text(&key), key.size ? "'" : "",
		  tables[table].name, sqlite3_column_name(row->query, row->invalid), row->reason);
	if (is_plain && (table == TABLE_DOMAIN || table == TABLE_USER))
		return error_hint(err, "remove it with 'mailconfctl %s remove %s'",
				  tables[table].name, bytes_text(&key));
	return error_hint(err, RESTORE_HINT);
}

int row_check_in_list(const struct row *row, struct error *err)
{
	if (row_check(row, err) == 0)
		return 0;
	if (!row->store->note_invalid_row)
		return -1;
	row->store->note_invalid_row(err, row->store->note_context);
	return ROW_SKIPPED;
}

void store_skip_invalid_rows(struct store *store, invalid_row_visitor note, void *context)
{
	store->note_invalid_row = note;
	store->note_context = context;
}

int store_list(struct store *store, struct arena *memory, struct statement statement,
	       const struct sql_value *values, size_t size,
	       void (*read)(struct row *row, void *item), void **ret_items, size_t *ret_count,
	       struct error *err)
{
	_cleanup_(row_close) struct row row;
	_cleanup_(freep) char *items = NULL;
	size_t count = 0;
	int r = row_open(store, memory, statement, values, &row, err);

	while (r == 0 && (r = row_next(&row, err)) == 0) {
		if ((count & (count - 1)) == 0)
			items = xrealloc(items, count ? count * 2 : 1, size);
		read(&row, items + count * size);
		r = row_check_in_list(&row, err);
		if (r == 0)
			count++;
		else if (r == ROW_SKIPPED)
			r = 0;
	}
	if (r != STORE_NOT_FOUND)
		return r;
	*ret_items = arena_copy(memory, items, count, size);
	*ret_count = count;
	return 0;
}

static void read_text(struct row *row, void *text)
{
	*(const char **)text = row_text(row, 0);
}

int store_list_texts(struct store *store, struct arena *memory, struct statement statement,
		     const struct sql_value *values, const char ***ret_texts, size_t *ret_count,
		     struct error *err)
{
	return store_list(store, memory, statement, values, sizeof(**ret_texts), read_text,
			  (void **)ret_texts, ret_count, err);
}

int store_run(struct store *store, struct statement statement, const struct sql_value *values,
	      struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_find(store, NULL, statement, values, &row, err);
	int extended;

	if (r == STORE_NOT_FOUND)
		return 0;
	extended = sqlite3_extended_errcode(store->database);
	return extended == SQLITE_CONSTRAINT_PRIMARYKEY || extended == SQLITE_CONSTRAINT_UNIQUE
		       ? STORE_EXISTS
		       : r;
}

int store_run_on_row(struct store *store, struct statement statement,
		     const struct sql_value *values, struct error *err)
{
	int r = store_run(store, statement, values, err);

	return r == 0 && sqlite3_changes(store->database) == 0 ? STORE_NOT_FOUND : r;
}

int store_read_number(struct store *store, struct statement statement,
		      const struct sql_value *values, int64_t *ret_number, struct error *err)
{
	_cleanup_(row_close) struct row row;
	int r = row_find(store, NULL, statement, values, &row, err);

	*ret_number = 0;
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : r;
	*ret_number = row_integer(&row, 0, 0, INT64_MAX);
	return row_check(&row, err);
}

int store_read_truth(struct store *store, struct statement statement,
		     const struct sql_value *values, bool *ret_truth, struct error *err)
{
	int64_t number;
	int r = store_read_number(store, statement, values, &number, err);

	*ret_truth = r == 0 && number == 1;
	return r;
}
