#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "doctor/client.h"
#include "util/arena.h"
#include "util/bytes.h"

/* No whitespace or line end of a document can get into a request. */
static void check_next_url(const struct client_step *step, struct client_reading *reading)
{
	const struct http_request base = { .host = "b.example", .target = "/" };
	struct http_request request;
	const char *why;

	if (!step->next_url_of)
		return;
	why = step->next_url_of(reading);
	if (why ? !*why : !reading->next_url || strpbrk(reading->next_url, " \r\n"))
		abort();
	if (!why && (!http_url_parse(reading->memory, reading->next_url, &base, &request) ||
		     !request.is_tls))
		abort();
}

static void check_settings(const struct settings_found *found)
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

	for (size_t i = 0; i < CLIENT_MODELS; i++) {
		const struct client_model *model = &client_models[i];

		for (const enum client_step_id *id = model->steps; *id; id++) {
			const struct client_step *step = &client_steps[*id];
			struct client_reading reading = {
				.model = model,
				.memory = &memory,
				.address = &address,
				.data = (const char *)data,
				.size = size,
			};
			const char *why = (step->read ? step->read : model->read_outlook)(&reading);

			if (why ? !*why : !settings_are_there(&reading.settings))
				abort();
			if (why)
				reading.settings.count = 0;
			check_settings(&reading.settings);
			(void)settings_text(&memory, &reading.settings);
			check_next_url(step, &reading);
		}
	}
	if (http_url_parse(&memory, arena_strndup(&memory, (const char *)data, size), &base,
			   &request) &&
	    (!*request.host || request.target[0] != '/'))
		abort();
	return 0;
}
