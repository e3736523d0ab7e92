#include "doctor/preview-client.h"

#include <string.h>

#include "doctor/client.h"
#include "mail/address.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Answers what the client asks for, and keeps the last answer that is the document. */
struct witness {
	struct asker asker;
	const struct context *context;
	struct impression *impression;
	const char *domain;
	int r; /* of the answer that is kept */
	struct error *err;
};

/* A document may lead on to Outlook's, which is then asked for as well. */
static bool is_document(const struct impression *impression, const struct http_request *request)
{
	return !text_equals(impression->document, "autodiscover-v2") ||
	       !text_equals(request->target, PATH_AUTODISCOVER);
}

/* The daemon's answer. Returns as answer(). */
static int answer_as_daemon(const struct witness *witness, struct arena *memory,
			    const struct request *request, struct http_answer *ret_answer,
			    struct response *ret_response, struct error *err)
{
	int r = answer(witness->context, memory, request, ret_response, err);

	ret_answer->status = (int)ret_response->status;
	if (ret_response->media_type)
		ret_answer->media_type = ret_response->media_type;
	if (ret_response->location)
		ret_answer->location = ret_response->location;
	ret_answer->body = arena_strndup(memory, ret_response->body, ret_response->size);
	ret_answer->size = ret_response->size;
	return r;
}

/* The domain's own web site is not ours, and nothing is answered without TLS. */
static void ask_us(struct asker *asker, struct arena *memory, const struct http_request *request,
		   struct http_answer *ret_answer)
{
	struct witness *witness = (struct witness *)asker;
	struct impression *impression = witness->impression;
	bool is_kept = is_document(impression, request);
	const struct request asked = {
		.method = request->method,
		.target = request->target,
		.host = is_kept && impression->host ? impression->host : request->host,
		.body = request->body,
		.body_size = request->body ? strlen(request->body) : 0,
		.client = impression->from,
	};
	struct response response;
	struct error err;
	int r;

	*ret_answer = (struct http_answer){
		.failure = "nobody answers",
		.media_type = "",
		.location = "",
		.authenticate = "",
		.allow = "",
		.dav = "",
		.body = "",
	};
	if (!request->is_tls || text_equals(request->host, witness->domain))
		return;
	r = answer_as_daemon(witness, memory, &asked, ret_answer, &response, &err);
	if (!is_kept)
		return;
	impression->request = asked;
	impression->response = response;
	witness->r = r;
	if (r < 0)
		*witness->err = err;
}

static const char *describe(struct arena *memory, const struct client *client,
			    const struct conclusion *conclusion)
{
	if (settings_are_there(&conclusion->settings))
		return arena_printf(memory, "%s: %s", client->name,
				    settings_text(memory, &conclusion->settings));
	return arena_printf(memory, "%s: nothing: %s", client->name,
			    conclusion->refusal ? conclusion->refusal : "it finds no server");
}

const char *impression_misfit(struct arena *memory, const struct impression *impression)
{
	const struct client *client = client_find(impression->client);

	return client_reads(client, impression->document)
		       ? NULL
		       : arena_printf(memory, "%s does not ask for %s; it reads %s", client->name,
				      impression->document, client_documents(memory, client));
}

int impression_make(const struct context *context, struct arena *memory,
		    struct impression *impression, struct error *err)
{
	const struct client *client = client_find(impression->client);
	struct witness witness = {
		.asker = { .ask = ask_us, .document = impression->document },
		.context = context,
		.impression = impression,
		.err = err,
	};
	struct conclusion conclusion;
	struct address address;

	if (address_parse(memory, impression->address, &address, err) < 0)
		return -1;
	witness.domain = address.domain;
	client_conclude(client, &witness.asker, memory, &address, &conclusion);
	impression->conclusion = describe(memory, client, &conclusion);
	return witness.r;
}
