/* address,login,name,provider,moved_to: mailconfctl's own format, which 'user export' writes. */

#include "import/csv.h"
#include "import/user-table.h"
#include "mail/provider.h"
#include "util/base.h"

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
