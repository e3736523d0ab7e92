#include "doctor/client.h"

#include "answer/answer.h"
#include "protocol/autodiscover.h"
#include "util/digest.h"

/* More than any client follows. */
#define REDIRECTS_MAX 10

static const struct {
	const char *path, *document; /* the document as 'preview' calls it */
} urls[] = {
	[URL_OUTLOOK] = { PATH_AUTODISCOVER, "outlook" },
	[URL_MOBILESYNC] = { PATH_AUTODISCOVER, "mobilesync" },
	[URL_AUTOCONFIG] = { PATH_AUTOCONFIG, "autoconfig" },
	[URL_WELL_KNOWN] = { PATH_WELL_KNOWN, "autoconfig" },
	[URL_MOBILECONFIG] = { "/mobileconfig", "mobileconfig" },
	[URL_AUTODISCOVER_V2] = { "/autodiscover/autodiscover.json", "autodiscover-v2" },
	[URL_PACC] = { "/.well-known/user-agent-configuration.json", "pacc" },
};

const struct client_model *client_model_find(const char *word)
{
	for (const struct client_model *model = client_models; model->word; model++)
		if (text_equals(model->word, word))
			return model;
	return NULL;
}

bool client_model_reads(const struct client_model *model, const char *document)
{
	for (const struct client_step *step = model->steps; step->method; step++)
		if (text_equals(urls[step->url].document, document))
			return true;
	return false;
}

const char *client_model_documents(struct arena *memory, const struct client_model *model)
{
	struct bytes text = BYTES_IN(memory);

	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
		if (i != URL_WELL_KNOWN && client_model_reads(model, urls[i].document))
			bytes_add_format(&text, "%s%s", text.size ? " and " : "", urls[i].document);
	return bytes_text(&text);
}

static const char *query_text(struct arena *memory, enum client_query query,
			      const struct address *address)
{
	const char *encoded = percent_encode(memory, address->text), *text;
	struct md5 md5;

	switch (query) {
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

static void set_body(struct playing *playing, enum client_url url)
{
	struct http_request *request = &playing->request;
	bool is_post = text_equals(request->method, "POST");

	request->media_type = is_post ? "text/xml; charset=utf-8" : NULL;
	request->body = NULL;
	if (is_post)
		request->body = autodiscover_request_body(
			playing->memory,
			url == URL_MOBILESYNC ? &protocol_mobilesync : &protocol_outlook,
			playing->address->text);
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

static bool is_redirect(const struct http_answer *answer)
{
	return (answer->status == 301 || answer->status == 302 || answer->status == 303 ||
		answer->status == 307 || answer->status == 308) &&
	       *answer->location;
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

/* Whether the redirect is followed; then playing->request is the next one. */
static bool follow_redirect(struct playing *playing, const char *location)
{
	const struct client_step *step = playing->step;
	struct http_request next;

	if (!http_url_parse(playing->memory, location, &playing->request, &next) ||
	    (!next.is_tls && (playing->model->only_to_tls || step->only_redirects)))
		return note_refusal(playing, true,
				    arena_printf(playing->memory,
						 "the client does not follow the redirect to %s",
						 location));
	/* After a GET that finds Outlook's host comes the POST to it. */
	next.method = step->only_redirects ? "POST" : playing->request.method;
	playing->request = next;
	set_body(playing, step->url);
	return true;
}

/* Sends the request and follows redirects. Returns whether the client reads the response. */
static bool send_request(struct playing *playing, struct http_answer *answer)
{
	bool (*accepts)(int status, const char *media_type) = playing->model->accepts;

	for (int hop = 0;; hop++) {
		playing->source->fetch(playing->source, playing->memory, &playing->request, answer);
		if (!accept_response(playing, answer))
			return false;
		if (!is_redirect(answer)) {
			if (hop == 0 && playing->step->only_redirects)
				return false;
			break;
		}
		if (hop == REDIRECTS_MAX)
			return note_refusal(playing, true, "too many redirects");
		if (!follow_redirect(playing, answer->location))
			return false;
	}
	if (accepts ? accepts(answer->status, answer->media_type) : answer->status == 200)
		return true;
	return note_refusal(playing, true,
			    arena_printf(playing->memory, "status %d%s%s", answer->status,
					 *answer->media_type ? ", " : "", answer->media_type));
}

/* The response that has the settings, where the first one only has its URL. */
static bool send_next_request(struct playing *playing, struct client_reading *reading,
			      struct http_answer *answer)
{
	const char *why = playing->step->next_url_of(reading);
	struct http_request next;

	if (!why && !http_url_parse(playing->memory, reading->next_url, &playing->request, &next))
		why = arena_printf(playing->memory, "the client cannot use the URL %s",
				   reading->next_url);
	if (why)
		return note_refusal(playing, true, why);
	next.method = "POST";
	playing->request = next;
	set_body(playing, URL_OUTLOOK);
	playing->result.refusal = NULL; /* from here on refusals are more specific */
	return send_request(playing, answer);
}

/* A client that knows the digest rejects any other document. */
static bool compare_digest(struct playing *playing, const struct http_answer *answer)
{
	const char *wanted = playing->source->pacc_digest, *found;
	struct digest digest;

	if (!wanted)
		return true;
	digest = digest_of(answer->body, answer->size);
	found = digest_base64(playing->memory, &digest);
	return text_equals(found, wanted) ||
	       note_refusal(playing, true,
			    arena_printf(playing->memory,
					 "its digest is %s; in DNS it should be %s", found,
					 wanted));
}

static void begin_request(struct playing *playing, const char *host)
{
	const struct client_step *step = playing->step;

	playing->is_at_apex = step->prefix && !*step->prefix;
	playing->request = (struct http_request){
		.method = step->method,
		.is_tls = step->is_tls,
		.host = host,
		.port = step->is_tls ? 443 : 80,
		.target = arena_printf(playing->memory, "%s%s", urls[step->url].path,
				       query_text(playing->memory, step->query, playing->address)),
	};
	set_body(playing, step->url);
}

static struct client_reading reading_of(const struct playing *playing,
					const struct http_answer *answer)
{
	return (struct client_reading){
		.model = playing->model,
		.memory = playing->memory,
		.address = playing->address,
		.data = answer->body,
		.size = answer->size,
	};
}

/* Returns whether the step gives settings. */
static bool take_step(struct playing *playing)
{
	const struct client_step *step = playing->step;
	const char *host = step->prefix ? arena_printf(playing->memory, "%s%s", step->prefix,
						       playing->address->domain)
					: playing->source->srv_target;
	struct http_answer answer;
	struct client_reading reading;
	const char *why;

	if (!host)
		return false;
	begin_request(playing, host);
	if (!send_request(playing, &answer))
		return false;
	reading = reading_of(playing, &answer);
	if (step->next_url_of) {
		if (!send_next_request(playing, &reading, &answer))
			return false;
		reading = reading_of(playing, &answer);
	}
	if (step->has_digest && !compare_digest(playing, &answer))
		return false;
	why = step->read(&reading);
	if (why)
		return note_refusal(playing, true, why);
	playing->result.settings = reading.settings;
	playing->result.url = http_url(playing->memory, &playing->request);
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

	for (playing.step = model->steps; playing.step->method; playing.step++)
		if ((!source->document ||
		     text_equals(urls[playing.step->url].document, source->document)) &&
		    take_step(&playing))
			break;
	*ret_result = playing.result;
}

int client_answer(const struct context *context, struct arena *memory,
		  const struct request *request, struct http_answer *ret_answer,
		  struct response *ret_response, struct error *err)
{
	int r = answer(context, memory, request, ret_response, err);

	*ret_answer = HTTP_NO_ANSWER;
	ret_answer->status = (int)ret_response->status;
	if (ret_response->media_type)
		ret_answer->media_type = ret_response->media_type;
	if (ret_response->location)
		ret_answer->location = ret_response->location;
	ret_answer->body = arena_strndup(memory, ret_response->body, ret_response->size);
	ret_answer->size = ret_response->size;
	return r;
}

static bool setting_equals(const struct setting *a, const struct setting *b)
{
	if (a->kind != b->kind || !a->url != !b->url || !text_equals(a->username, b->username))
		return false;
	if (a->url)
		return text_equals(a->url, b->url);
	return text_equals(a->host, b->host) && a->port == b->port && a->security == b->security;
}

bool settings_are_there(const struct settings_found *settings)
{
	return settings->count > 0 || settings->redirect_to;
}

bool settings_equal(const struct settings_found *a, const struct settings_found *b)
{
	if (a->count != b->count || !text_same(a->redirect_to, b->redirect_to))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!setting_equals(&a->items[i], &b->items[i]))
			return false;
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
