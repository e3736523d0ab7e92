#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/served.h"
#include "protocol/xml.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/error.h"

/* Whatever the body is: the answer is a well-formed document with status 200, and nothing that a
 * DOCTYPE said comes back. A provider without services is an error in the database. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct context *context = served_context();
	const struct request request = {
		.method = "POST",
		.target = "/autodiscover/autodiscover.xml",
		.host = "autodiscover.example.org",
		.body = (const char *)data,
		.body_size = size,
	};
	struct response response;
	struct error err = { 0 };

	if (size > REQUEST_BODY_MAX)
		return 0;
	if (answer(context, &memory, &request, &response, &err) != 0 && err.kind != ERROR_DATA)
		abort();
	store_release(context->store);
	if (response.status != 200 || xml_check(response.body, response.size, NULL, &err) < 0 ||
	    strlen(response.body) != response.size || strstr(response.body, "<!"))
		abort();
	return 0;
}
