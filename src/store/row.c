/*
 * Rows are checked when they are written, but a file can be corrupted, or changed with other tools:
 * a NOT NULL column may hold NULL, a STRICT column any type, and a text any length.
 */

#include <stdio.h>
#include <string.h>

#include "store/database.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* In bytes. The longest value that mailconfctl writes is a list of networks. */
#define TEXT_MAX 65536

/* How much of an invalid key an error shows. */
#define SHOWN_MAX 64

#define RESTORE_REMEDY "restore a backup with 'mailconfctl restore FILE'"

/* The columns of its queries that are the primary key, -1 for none; and the command that removes
 * the row. */
static const struct {
	const char *name;
	int local, key;
	const char *remove;
} tables[] = {
	[TABLE_DOMAIN] = { "domain", -1, 0, "domain remove" },
	[TABLE_USER] = { "user", 1, 0, "user remove" },
	[TABLE_USER_MD5] = { "user_md5", -1, -1, NULL },
	[TABLE_PROVIDER] = { "provider", -1, 0, NULL },
	[TABLE_SERVICE] = { "service", -1, -1, NULL },
	[TABLE_LINK] = { "link", -1, -1, NULL },
	[TABLE_SECRET] = { "secret", -1, -1, NULL },
	[TABLE_NAMES] = { "names", -1, -1, NULL },
};

struct row row_begin(struct store *store, struct arena *memory, sqlite3_stmt *query,
		     enum table table)
{
	return (struct row){
		.store = store, .memory = memory, .query = query, .table = table, .invalid = -1
	};
}

void row_reject(struct row *row, int column, const char *reason)
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

bool row_truth(struct row *row, int column)
{
	return row_integer(row, column, 0, 1) == 1;
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

bool row_blob(struct row *row, int column, void *ret_bytes, size_t size)
{
	const void *bytes;

	if (!has_type(row, column, SQLITE_BLOB))
		return false;
	bytes = sqlite3_column_blob(row->query, column);
	if (!bytes || (size_t)sqlite3_column_bytes(row->query, column) != size) {
		row_reject(row, column, "has the wrong length");
		return false;
	}
	memcpy(ret_bytes, bytes, size);
	return true;
}

/* Whether the column can be typed as an argument. */
static bool is_plain(const struct row *row, int column)
{
	struct row probe = row_begin(row->store, NULL, row->query, row->table);
	size_t length = 0;
	const char *text = valid_text(&probe, column, &length);

	if (!text || length > 320)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!char_is_alphanumeric(text[i]) && !strchr("._-+*=@", text[i]))
			return false;
	return true;
}

/* A value as SQLite's shell shows it, cut, since it may be of any type and length. */
static void add_value(struct bytes *text, const struct row *row, int column)
{
	struct row probe = row_begin(row->store, NULL, row->query, row->table);
	size_t length = 0;
	const char *value = valid_text(&probe, column, &length);

	if (value)
		bytes_add_format(text, "%.*s", (int)(length < SHOWN_MAX ? length : SHOWN_MAX),
				 value);
	else
		bytes_add_format(text, "(%s)", probe.reason);
}

static const char *key_of(struct arena *memory, const struct row *row)
{
	struct bytes key = BYTES_IN(memory);

	if (tables[row->table].local >= 0) {
		add_value(&key, row, tables[row->table].local);
		bytes_add_char(&key, '@');
	}
	if (tables[row->table].key >= 0)
		add_value(&key, row, tables[row->table].key);
	return bytes_text(&key);
}

static const char *remedy_of(struct arena *memory, const struct row *row, const char *key)
{
	if (!tables[row->table].remove || !is_plain(row, tables[row->table].key) ||
	    (tables[row->table].local >= 0 && !is_plain(row, tables[row->table].local)))
		return RESTORE_REMEDY;
	return arena_printf(memory, "'mailconfctl %s %s' removes it", tables[row->table].remove,
			    key);
}

int row_end(const struct row *row, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *key;

	if (row->invalid < 0)
		return 0;
	row->store->has_bad_pages = true;
	key = key_of(&memory, row);
	return error_set(err, ERROR_ROW, "database '%s': invalid row%s%s%s in table %s: %s %s; %s",
			 row->store->path, *key ? " '" : "", key, *key ? "'" : "",
			 tables[row->table].name, sqlite3_column_name(row->query, row->invalid),
			 row->reason, remedy_of(&memory, row, key));
}

int row_end_in_list(const struct row *row, struct error *err)
{
	if (row_end(row, err) == 0)
		return 0;
	if (!row->store->note_invalid_row)
		return -1;
	row->store->note_invalid_row(err->text, row->store->note_context);
	return ROW_SKIPPED;
}

void store_skip_invalid_rows(struct store *store, invalid_row_visitor note, void *context)
{
	store->note_invalid_row = note;
	store->note_context = context;
}
