#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "import/user-table.h"
#include "unit/tables.h"
#include "util/arena.h"

/* The first byte chooses the format, and whether there is a domain. Whatever the bytes are, they
 * are told of in full, and a line that is bad is one of theirs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct table_case table_case = { .size = size - 1, .text = (const char *)data + 1 };
	size_t count = 0;

	if (size < 2)
		return 0;
	while (table_formats[count])
		count++;
	table_case.format = table_formats[data[0] % count]->name;
	table_case.domain = data[0] & 0x80 ? "served.example" : NULL;
	table_case.name_attribute = data[0] & 0x40 ? "cn" : NULL;
	(void)table_tell(&memory, &table_case);
	return 0;
}
