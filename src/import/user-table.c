#include "import/user-table.h"

#include <stdarg.h>

#include "import/csv.h"
#include "mail/provider.h"

const struct table_format *const table_formats[] = {
	&format_csv,
	&format_ldif,
	&format_postfix_virtual_alias,
	&format_postfix_sender_login,
	&format_aliases,
	&format_dovecot_passwd,
	NULL,
};

const struct table_format *table_format_find(const char *name)
{
	for (size_t i = 0; table_formats[i]; i++)
		if (text_equals(table_formats[i]->name, name))
			return table_formats[i];
	return NULL;
}

void table_skip(struct user_table *table, unsigned long line, const char *format, ...)
{
	char reason[sizeof(((struct error *)0)->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	table->skip(line, reason, table->skipped);
}

/* address,login,name,provider,moved_to: mailconfctl's own format, which 'user export' writes. */

enum { ADDRESS, LOGIN, NAME, PROVIDER, MOVED_TO, COLUMNS };

static const struct csv_column columns[COLUMNS] = {
	[ADDRESS] = { "address", true },    [LOGIN] = { "login", true },
	[NAME] = { "name", false },	    [PROVIDER] = { "provider", false },
	[MOVED_TO] = { "moved_to", false },
};

static int csv_read(struct user_table *table, struct error *err)
{
	_cleanup_(csv_clear) struct csv csv;
	const char *values[COLUMNS];
	int r;

	r = csv_begin(&csv, &table->source, columns, COLUMNS, err);
	while (r == 0 && (r = csv_next(&csv, values, err)) == 0) {
		const struct user_row row = {
			.line = csv.line,
			.address = values[ADDRESS],
			.login = values[LOGIN],
			.name = values[NAME],
			.provider = values[PROVIDER],
			.moved_to = values[MOVED_TO],
			.has = (values[NAME] ? ROW_HAS_NAME : 0U) |
			       (values[PROVIDER] ? ROW_HAS_PROVIDER : 0U) |
			       (values[MOVED_TO] ? ROW_HAS_MOVED_TO : 0U),
		};

		r = table->row(&row, table->context, err);
	}
	return r < 0 ? -1 : 0;
}

void user_csv_begin(FILE *stream)
{
	csv_write_header(stream, columns, COLUMNS);
}

void user_csv_write(FILE *stream, const struct user *user)
{
	const char *const values[COLUMNS] = {
		[ADDRESS] = user->address,   [LOGIN] = user->login,	  [NAME] = user->name,
		[PROVIDER] = user->provider, [MOVED_TO] = user->moved_to,
	};

	csv_write_record(stream, values, COLUMNS);
}

const struct table_format format_csv = { .name = "csv", .read = csv_read };
