#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/served.h"
#include "protocol/xml.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/error.h"

/* The first line is the target, the second the Host. What comes back is a well-formed document or
 * a short text, of characters that may go out. A provider without services is an error in the
 * database. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct context *context = served_context();
	char *target = arena_strndup(&memory, (const char *)data, size);
	char *host = strchr(target, '\n');
	struct request request = { .method = "GET", .target = target };
	struct response response;
	struct error err = { 0 };
	bool is_broken;

	if (host) {
		*host = '\0';
		request.host = host + 1;
	}
	is_broken = answer(context, &memory, &request, &response, &err) != 0;
	store_release(context->store);
	if (response.status != (is_broken	 ? 500
				: response.allow ? 405
						 : 404) &&
	    (response.status != 200 || xml_check(response.body, response.size, NULL, &err) < 0))
		abort();
	for (size_t i = 0; i < response.size; i++)
		if ((unsigned char)response.body[i] < ' ' && !strchr("\t\r\n", response.body[i]))
			abort();
	return 0;
}
