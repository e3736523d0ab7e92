#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "doctor/client.h"
#include "util/arena.h"
#include "util/bytes.h"

/* Every client of the doctor takes whole settings from a document, or says why it does not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct address address = { "a@b.example", "a@b.example", "a", "b.example", "a" };
	const struct http_request base = { .host = "b.example", .target = "/" };
	struct http_request request;

	for (size_t i = 0; clients[i]; i++)
		for (const struct step *step = clients[i]->steps; step->path; step++) {
			struct settings_found found = { .count = 0 };
			const char *why = step->read(&memory, (const char *)data, size, &address,
						     &found);

			if (why ? !*why : !found.count)
				abort();
			for (size_t j = 0; !why && j < found.count; j++)
				if (!found.items[j].host || !found.items[j].username)
					abort();
			(void)settings_text(&memory, &found);
		}
	if (http_url_parse(&memory, arena_strndup(&memory, (const char *)data, size), &base,
			   &request) &&
	    (!*request.host || request.target[0] != '/'))
		abort();
	return 0;
}
