#include "import/user-table.h"

#include <stdarg.h>

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
	table->skip(line, reason, table->context);
}
