#include "cli/impression.h"

#include <string.h>

#include "doctor/client.h"
#include "mail/address.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Answers what the client asks for the document, and keeps the last answer. */
struct witness {
	struct asker asker;
	const struct context *context;
	struct impression *impression;
	bool was_asked;
	int r; /* of the last answer() */
	struct error *err;
};

static bool is_asked_here(const struct witness *witness, const struct http_request *request)
{
	return request->is_tls &&
	       text_equals(request->target, PATH_AUTODISCOVER) == witness->impression->is_outlook &&
	       (strncmp(request->host, "autoconfig.", 11) == 0 ||
		strncmp(request->host, "autodiscover.", 13) == 0);
}

static void ask_us(struct asker *asker, struct arena *memory, const struct http_request *request,
		   struct http_answer *ret_answer)
{
	struct witness *witness = (struct witness *)asker;
	struct impression *impression = witness->impression;
	struct response *response = &impression->response;
	struct http_answer got = {
		.failure = "nobody answers",
		.media_type = "",
		.location = "",
		.authenticate = "",
		.allow = "",
		.dav = "",
		.body = "",
	};

	*ret_answer = got;
	if (!is_asked_here(witness, request))
		return;
	witness->was_asked = true;
	impression->request = (struct request){
		.method = request->method,
		.target = request->target,
		.host = impression->host ? impression->host : request->host,
		.body = request->body,
		.body_size = request->body ? strlen(request->body) : 0,
		.client = impression->from,
	};
	witness->r = answer(witness->context, memory, &impression->request, response, witness->err);
	got.status = (int)response->status;
	got.media_type = response->media_type ? response->media_type : "";
	got.location = response->location ? response->location : "";
	got.body = arena_strndup(memory, response->body, response->size);
	got.size = response->size;
	*ret_answer = got;
}

/* "Delta Chat" is deltachat, and "Nextcloud Mail" nextcloud. */
static bool is_named(const struct client *client, const char *option)
{
	static const char *const names[][2] = {
		{ "thunderbird-android", "Thunderbird for Android" },
		{ "deltachat", "Delta Chat" },
		{ "nextcloud", "Nextcloud Mail" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_equals(names[i][0], option))
			return text_equals(names[i][1], client->name);
	return text_equals_ignoring_case(option, client->name);
}

static const struct client *client_named(const char *option)
{
	for (size_t i = 0; clients[i]; i++)
		if (is_named(clients[i], option))
			return clients[i];
	return NULL;
}

static const char *describe(struct arena *memory, const struct client *client,
			    const struct conclusion *conclusion)
{
	if (conclusion->settings.count > 0)
		return arena_printf(memory, "%s: %s", client->name,
				    settings_text(memory, &conclusion->settings));
	return arena_printf(memory, "%s: nothing: %s", client->name,
			    conclusion->refusal ? conclusion->refusal : "it finds no server");
}

int impression_make(const struct context *context, struct arena *memory,
		    struct impression *impression, struct error *err)
{
	const struct client *client = client_named(impression->client);
	struct witness witness = {
		.asker = { ask_us, NULL },
		.context = context,
		.impression = impression,
		.err = err,
	};
	struct conclusion conclusion;
	struct address address;

	if (address_parse(memory, impression->address, &address, err) < 0)
		return -1;
	client_conclude(client, &witness.asker, memory, &address, &conclusion);
	if (!witness.was_asked)
		return error_set(err, ERROR_INPUT, "%s does not ask for %s", client->name,
				 impression->is_outlook ? "outlook" : "autoconfig");
	impression->conclusion = describe(memory, client, &conclusion);
	return witness.r;
}
