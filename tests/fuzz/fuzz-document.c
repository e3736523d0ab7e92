#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "doctor/client.h"
#include "util/arena.h"
#include "util/bytes.h"

/* Where the document leads, if anywhere, no blank or line end can get into a request. */
static void follow(struct arena *memory, const struct step *step, const char *data, size_t size)
{
	const struct http_request base = { .host = "b.example", .target = "/" };
	struct http_request request;
	const char *url = NULL, *why;

	if (!step->lead)
		return;
	why = step->lead(memory, data, size, &url);
	if (why ? !*why : !url || strpbrk(url, " \r\n"))
		abort();
	if (!why && (!http_url_parse(memory, url, &base, &request) || !request.is_tls))
		abort();
}

static void check(const struct settings_found *found)
{
	for (size_t i = 0; i < found->count; i++)
		if (!found->items[i].username || !found->items[i].url == !found->items[i].host)
			abort();
}

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
			check(&found);
			(void)settings_text(&memory, &found);
			follow(&memory, step, (const char *)data, size);
		}
	if (http_url_parse(&memory, arena_strndup(&memory, (const char *)data, size), &base,
			   &request) &&
	    (!*request.host || request.target[0] != '/'))
		abort();
	return 0;
}
