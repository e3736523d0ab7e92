#include "unit/tables.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import/user-table.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/file.h"

#define SERVED "served.example"

static int take_row(const struct user_row *row, void *context, struct error *err)
{
	struct bytes *told = context;

	(void)err;
	if (!row->login)
		return 0;
	bytes_add_format(told, "%lu %s=%s", row->line, row->address, row->login);
	if (row->has & ROW_HAS_NAME)
		bytes_add_format(told, " name=%s", row->name ? row->name : "");
	if (row->has & ROW_HAS_PROVIDER)
		bytes_add_format(told, " provider=%s", row->provider);
	if (row->has & ROW_HAS_MOVED_TO)
		bytes_add_format(told, " moved_to=%s", row->moved_to);
	bytes_add_char(told, '\n');
	return 0;
}

static void note_bad(unsigned long line, const char *reason, void *context)
{
	bytes_add_format(context, "%lu bad: %s\n", line, reason);
}

static void note_skipped(unsigned long line, const char *reason, void *context)
{
	bytes_add_format(context, "%lu skipped: %s\n", line, reason);
}

static int domain_find(struct arena *memory, const char *domain, struct table_domain *ret_domain,
		       void *context, struct error *err)
{
	size_t length = strlen(domain), tail = strlen(SERVED);

	(void)context;
	(void)err;
	*ret_domain = (struct table_domain){
		.is_served = length >= tail &&
			     text_equals_ignoring_case(domain + length - tail, SERVED),
		.name = text_lower(memory, domain),
		.delimiters = "",
	};
	if (ret_domain->is_served)
		ret_domain->delimiters = "+";
	if (text_equals(ret_domain->name, "alias." SERVED))
		ret_domain->alias_of = SERVED;
	return 0;
}

static int login_there(struct arena *memory, const char *address, bool in_table,
		       const char **ret_login, void *context, struct error *err)
{
	(void)memory;
	(void)context;
	(void)err;
	*ret_login = NULL;
	if (text_equals(address, "boss@" SERVED) ||
	    (in_table && text_equals(address, "self@" SERVED)))
		*ret_login = "b4711";
	return 0;
}

static int login_made(struct arena *memory, const char *address, const char **ret_login,
		      void *context, struct error *err)
{
	(void)context;
	(void)err;
	*ret_login = strchr(address, '"') ? NULL : arena_printf(memory, "made of %s", address);
	return 0;
}

static int file_of(const char *text, size_t size)
{
	int fd = memfd_create("table", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

const char *table_tell(struct arena *memory, const struct table_case *table_case)
{
	size_t size = table_case->size ? table_case->size : strlen(table_case->text);
	struct input input = { .name = "table", .fd = file_of(table_case->text, size) };
	struct bytes told = BYTES_IN(memory);
	struct user_table table = {
		.context = &told,
		.domain = table_case->domain,
		.address_attributes = table_case->address_attributes
					      ? table_case->address_attributes
					      : "mail",
		.login_attribute = table_case->login_attribute ? table_case->login_attribute
							       : "uid",
		.name_attribute = table_case->name_attribute,
		.row = take_row,
		.skip = note_skipped,
		.skipped = &told,
		.domain_find = domain_find,
		.login_there = login_there,
		.login_made = login_made,
	};
	struct error err = { 0 };

	source_init(&table.source, &input, note_bad, &told);
	if (table_format_find(table_case->format)->read(&table, &err) < 0)
		abort();
	source_clear(&table.source);
	input_close(&input);
	return bytes_text(&told);
}
