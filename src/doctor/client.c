#include "doctor/client.h"

#include "answer/answer.h"
#include "protocol/protocol.h"
#include "util/digest.h"

/* More than any client follows. */
#define REDIRECTS_MAX 10

const struct client_model *client_model_find(const char *word)
{
	for (size_t i = 0; i < CLIENT_MODELS; i++)
		if (text_equals(client_models[i].word, word))
			return &client_models[i];
	return NULL;
}

bool client_model_reads(const struct client_model *model, const char *document)
{
	for (const enum client_step_id *id = model->steps; *id; id++)
		if (text_equals(client_steps[*id].document, document))
			return true;
	return false;
}

const char *client_model_documents(struct arena *memory, const struct client_model *model)
{
	struct bytes text = BYTES_IN(memory);

	for (size_t i = 1; i < CLIENT_STEPS; i++) {
		const char *document = client_steps[i].document;

		if (!text_same(document, client_steps[i - 1].document) &&
		    client_model_reads(model, document))
			bytes_add_format(&text, "%s%s", text.size ? " and " : "", document);
	}
	return bytes_text(&text);
}

/* A client on its way through its steps. */
struct playing {
	const struct client_model *model;
	struct response_source *source;
	struct arena *memory;
	const struct address *address;
	const struct client_step *step;
	struct http_request request; /* of the step; after redirects, the last one */
	bool is_at_apex;	     /* the domain itself is asked, often a web site of others */
	bool refusal_is_of_apex;     /* so a refusal of any other host replaces it */
	struct client_result result;
};

static const char *query_text(const struct playing *playing)
{
	enum client_query query = playing->step->query;
	const struct address *address = playing->address;
	struct arena *memory = playing->memory;
	const char *encoded = percent_encode(memory, address->text), *text;
	struct md5 md5;

	switch (query == QUERY_OF_MODEL ? playing->model->query : query) {
	case QUERY_ENCODED:
		return arena_printf(memory, "?emailaddress=%s", encoded);
	case QUERY_RAW:
		return arena_printf(memory, "?emailaddress=%s", address->text);
	case QUERY_EVOLUTION:
		text = arena_printf(memory, "?emailaddress=EVOLUTIONUSER%%40%s", address->domain);
		if (!md5_of(address->text, strlen(address->text), &md5))
			return text;
		return arena_printf(memory, "%s&emailmd5=%s", text, md5_text(memory, &md5));
	case QUERY_ACTIVESYNC:
		return arena_printf(memory, "?Email=%s&Protocol=ActiveSync", encoded);
	case QUERY_VERSION_1:
		return arena_printf(memory, "?Email=%s&Protocol=AutodiscoverV1", encoded);
	default:
		return "";
	}
}

/* A POST has the body of Outlook, or of a phone. */
static void set_request(struct playing *playing, struct http_request request, const char *method)
{
	request.method = method;
	request.body = NULL;
	if (text_equals(method, "POST"))
		request.body = autodiscover_request_body(
			playing->memory,
			text_equals(playing->step->document, "mobilesync") ? &protocol_mobilesync
									   : &protocol_outlook,
			playing->address->text);
	playing->request = request;
}

/* Keeps why the client gets nothing from a host. Returns false. */
static bool note_refusal(struct playing *playing, bool was_answered, const char *why)
{
	struct client_result *result = &playing->result;

	if (result->refusal && playing->is_at_apex && !playing->refusal_is_of_apex)
		return false;
	playing->refusal_is_of_apex = playing->is_at_apex;
	result->refused = playing->request;
	result->was_answered = was_answered;
	result->refusal = arena_printf(playing->memory, "%s: %s",
				       http_url(playing->memory, &playing->request), why);
	return false;
}

/* Whether the client looks at the response at all. */
static bool accept_response(struct playing *playing, const struct http_answer *answer)
{
	const struct client_model *model = playing->model;
	struct peer peer = answer->peer;

	peer.covers_name |= model->takes_any_name;
	if (answer->status == 0) {
		if (!playing->result.refusal || playing->refusal_is_of_apex)
			note_refusal(playing, answer->has_peer && peer_is_good(&peer),
				     answer->failure);
		return false;
	}
	if (answer->status == 429)
		return note_refusal(playing, true,
				    "status 429: the server's rate limit for this network is "
				    "reached; 'trusted' in its [limits] exempts a network");
	if (model->timeout && answer->milliseconds > model->timeout) {
		playing->result.slow_url = http_url(playing->memory, &playing->request);
		playing->result.slow_milliseconds = answer->milliseconds;
		return note_refusal(playing, true, "the response comes after the client's timeout");
	}
	if (answer->has_peer && !peer_is_good(&peer))
		return note_refusal(playing, false, "the certificate is invalid");
	return true;
}

static bool has_accepted_type(const struct client_model *model, const char *media_type)
{
	for (size_t i = 0; i < 3 && model->media_types[i]; i++)
		if (text_starts_with_ignoring_case(media_type, model->media_types[i]))
			return true;
	return !model->media_types[0];
}

/* Sends the request and follows redirects. Returns whether the client reads the response. */
static bool send_request(struct playing *playing, struct http_answer *answer)
{
	const struct client_model *model = playing->model;
	const struct client_step *step = playing->step;
	struct arena *memory = playing->memory;
	struct http_request next;

	for (int hop = 0;; hop++) {
		playing->source->fetch(playing->source, memory, &playing->request, answer);
		if (!accept_response(playing, answer))
			return false;
		if (!http_is_redirect(answer)) {
			if (hop == 0 && step->only_redirects)
				return false;
			break;
		}
		if (hop == REDIRECTS_MAX)
			return note_refusal(playing, true, "too many redirects");
		if (!http_url_parse(memory, answer->location, &playing->request, &next) ||
		    (!next.is_tls && (model->only_to_tls || step->only_redirects)))
			return note_refusal(
				playing, true,
				arena_printf(memory,
					     "the client does not follow the redirect to %s",
					     answer->location));
		/* After a GET that finds Outlook's host comes the POST to it. */
		set_request(playing, next, step->only_redirects ? "POST" : playing->request.method);
	}
	if (has_accepted_type(model, answer->media_type) &&
	    (answer->status == 200 ||
	     (model->takes_any_success && answer->status > 200 && answer->status < 300)))
		return true;
	return note_refusal(playing, true,
			    arena_printf(memory, "status %d%s%s", answer->status,
					 *answer->media_type ? ", " : "", answer->media_type));
}

/* Returns whether the step gives settings. */
static bool take_step(struct playing *playing)
{
	const struct client_step *step = playing->step;
	struct arena *memory = playing->memory;
	const char *host = step->prefix ? arena_printf(memory, "%s%s", step->prefix,
						       playing->address->domain)
					: playing->source->srv_target;
	struct client_reading reading = { playing->model, memory, playing->address };
	struct http_request request = { .is_tls = step->is_tls, .host = host };
	const char *wanted = playing->source->pacc_digest, *why;
	struct http_answer answer;

	if (!host)
		return false;
	playing->is_at_apex = step->prefix && !*step->prefix;
	request.port = step->is_tls ? 443 : 80;
	request.target = arena_printf(memory, "%s%s", step->path, query_text(playing));
	set_request(playing, request, step->method);
	if (!send_request(playing, &answer))
		return false;
	reading.data = answer.body;
	reading.size = answer.size;
	if (step->next_url_of) {
		why = step->next_url_of(&reading);
		if (!why && !http_url_parse(memory, reading.next_url, &playing->request, &request))
			why = arena_printf(memory, "the client cannot use the URL %s",
					   reading.next_url);
		if (why)
			return note_refusal(playing, true, why);
		set_request(playing, request, "POST");
		playing->result.refusal = NULL; /* from here on refusals are more specific */
		if (!send_request(playing, &answer))
			return false;
		reading.data = answer.body;
		reading.size = answer.size;
	}
	/* A client that knows the digest rejects any other document. */
	if (step->has_digest && wanted) {
		const struct digest digest = digest_of(answer.body, answer.size);
		const char *found = digest_base64(memory, &digest);

		if (!text_equals(found, wanted))
			return note_refusal(playing, true,
					    arena_printf(memory,
							 "its digest is %s; in DNS it should be %s",
							 found, wanted));
	}
	why = (step->read ?: playing->model->read_outlook)(&reading);
	if (why)
		return note_refusal(playing, true, why);
	playing->result.settings = reading.settings;
	playing->result.url = http_url(memory, &playing->request);
	return true;
}

void client_play(const struct client_model *model, struct response_source *source,
		 struct arena *memory, const struct address *address,
		 struct client_result *ret_result)
{
	struct playing playing = {
		.model = model,
		.source = source,
		.memory = memory,
		.address = address,
	};

	for (const enum client_step_id *id = model->steps; *id; id++) {
		playing.step = &client_steps[*id];
		if ((!source->document || text_equals(playing.step->document, source->document)) &&
		    take_step(&playing))
			break;
	}
	*ret_result = playing.result;
}

int client_answer(const struct context *context, struct arena *memory,
		  const struct http_request *request, const struct sockaddr *from,
		  struct http_answer *ret_answer, struct response *ret_response, struct error *err)
{
	const struct request local = {
		.method = request->method,
		.target = request->target,
		.host = request->host,
		.body = request->body,
		.body_size = request->body ? strlen(request->body) : 0,
		.client = from,
	};
	int r = answer(context, memory, &local, ret_response, err);

	*ret_answer = (struct http_answer){
		.status = (int)ret_response->status,
		.media_type = ret_response->media_type ?: "",
		.location = ret_response->location ?: "",
		.authenticate = "",
		.body = arena_strndup(memory, ret_response->body, ret_response->size),
		.size = ret_response->size,
	};
	return r;
}

bool settings_are_there(const struct settings_found *settings)
{
	return settings->count > 0 || settings->redirect_to;
}

bool settings_equal(const struct settings_found *a, const struct settings_found *b)
{
	if (a->count != b->count || !text_same(a->redirect_to, b->redirect_to))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct setting *one = &a->items[i], *other = &b->items[i];

		if (one->kind != other->kind || !text_equals(one->username, other->username) ||
		    !text_same(one->url, other->url))
			return false;
		if (!one->url && (!text_equals(one->host, other->host) ||
				  one->port != other->port || one->security != other->security))
			return false;
	}
	return true;
}

const char *settings_text(struct arena *memory, const struct settings_found *settings)
{
	static const char *const securities[] = {
		[SETTING_TLS] = "TLS",
		[SETTING_STARTTLS] = "STARTTLS",
		[SETTING_PLAIN] = "in clear text",
		[SETTING_AUTOMATIC] = "with automatic encryption",
	};
	struct bytes text = BYTES_IN(memory);

	if (settings->redirect_to)
		return arena_printf(memory, "a redirect to %s", settings->redirect_to);
	for (size_t i = 0; i < settings->count; i++) {
		const struct setting *setting = &settings->items[i];

		bytes_add_format(&text, "%s%s ", i ? "; " : "", service_kind_name(setting->kind));
		if (setting->url)
			bytes_add_text(&text, setting->url);
		else
			bytes_add_format(&text, "%s:%u %s", setting->host, setting->port,
					 securities[setting->security]);
		bytes_add_format(&text, " as %s", setting->username);
	}
	return settings->count ? bytes_text(&text) : "nothing";
}
