#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "mail/address.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/idna.h"

/* Whatever address_parse() accepts is the same address when it is parsed again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct address address, again;
	struct error err;

	if (address_parse(&memory, arena_strndup(&memory, (const char *)data, size), &address,
			  &err) < 0)
		return 0;
	if (strlen(address.text) > ADDRESS_MAX_LENGTH ||
	    !utf8_is_valid(address.text, strlen(address.text)) ||
	    !host_name_is_valid(address.domain))
		abort();
	if (address_parse(&memory, address.text, &again, &err) < 0 ||
	    !text_equals(again.text, address.text) || !text_equals(again.local, address.local) ||
	    !text_equals(again.domain, address.domain) || !text_equals(again.key, address.key))
		abort();
	return 0;
}
