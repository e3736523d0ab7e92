#include "unit/tables.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table/table.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/input.h"

static int take_row(const struct row *row, void *context, struct error *err)
{
	struct bytes *told = context;

	(void)err;
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

static int serves(const char *domain, bool *ret_serves, void *context, struct error *err)
{
	size_t length = strlen(domain), tail = strlen("served.example");

	(void)context;
	(void)err;
	*ret_serves = length >= tail && text_equals(domain + length - tail, "served.example");
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
	struct table table = {
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
		.serves = serves,
	};
	struct error err = { 0 };

	source_init(&table.source, &input, note_bad, &told);
	if (table_format_find(table_case->format)->read(&table, &err) < 0)
		abort();
	source_clear(&table.source);
	input_close(&input);
	return bytes_text(&told);
}
