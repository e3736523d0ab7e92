#include "doctor/client.h"

#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/digest.h"

/* More hops than any client follows end in a circle. */
#define REDIRECTS_MAX 10

extern const struct client client_outlook, client_thunderbird, client_thunderbird_android;
extern const struct client client_fairemail, client_deltachat, client_nextcloud;
extern const struct client client_kmail, client_evolution, client_geary;
extern const struct client client_activesync, client_new_outlook, client_apple, client_pacc;

/* Those that begin at the same host stand together, for a connection is kept for the next
 * request. */
const struct client *const clients[] = {
	&client_outlook,
	&client_activesync,
	&client_new_outlook,
	&client_thunderbird,
	&client_thunderbird_android,
	&client_fairemail,
	&client_deltachat,
	&client_nextcloud,
	&client_kmail,
	&client_evolution,
	&client_geary,
	&client_apple,
	&client_pacc,
	NULL,
};

const struct client *client_find(const char *word)
{
	for (size_t i = 0; clients[i]; i++)
		if (text_equals(clients[i]->word, word))
			return clients[i];
	return NULL;
}

const char *step_document(const struct step *step)
{
	static const char *const documents[][2] = {
		{ PATH_AUTOCONFIG, "autoconfig" },
		{ PATH_WELL_KNOWN, "autoconfig" },
		{ PATH_AUTODISCOVER_V2, "autodiscover-v2" },
		{ PATH_MOBILECONFIG, "mobileconfig" },
		{ PATH_PACC, "pacc" },
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++)
		if (text_equals(step->path, documents[i][0]))
			return documents[i][1];
	return step->asks_mobilesync ? "mobilesync" : "outlook";
}

bool client_reads(const struct client *client, const char *document)
{
	for (const struct step *step = client->steps; step->path; step++)
		if (text_equals(step_document(step), document))
			return true;
	return false;
}

const char *client_documents(struct arena *memory, const struct client *client)
{
	static const char *const documents[] = {
		"outlook", "mobilesync", "autoconfig", "mobileconfig", "autodiscover-v2", "pacc",
	};
	struct bytes text = BYTES_IN(memory);

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++)
		if (client_reads(client, documents[i]))
			bytes_add_format(&text, "%s%s", text.size ? " and " : "", documents[i]);
	return bytes_text(&text);
}

static const char *escape(struct arena *memory, const char *text)
{
	struct bytes escaped = BYTES_IN(memory);

	for (; *text; text++)
		if (*text == '&')
			bytes_add_text(&escaped, "&amp;");
		else if (*text == '<')
			bytes_add_text(&escaped, "&lt;");
		else
			bytes_add_char(&escaped, *text);
	return bytes_text(&escaped);
}

/* The request of MS-OXDSCLI 2.2.3 and of MS-ASCMD 2.2.1.1, which differ in their schemas. */
static const char *autodiscover_body(struct arena *memory, const char *address, const char *asked,
				     const char *wanted)
{
#define SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"
	return arena_printf(memory,
			    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			    "<Autodiscover xmlns=\"" SCHEMAS "%s\"><Request>"
			    "<EMailAddress>%s</EMailAddress><AcceptableResponseSchema>" SCHEMAS
			    "%s</AcceptableResponseSchema></Request></Autodiscover>",
			    asked, escape(memory, address), wanted);
#undef SCHEMAS
}

const char *outlook_body(struct arena *memory, const char *address)
{
	return autodiscover_body(memory, address, "outlook/requestschema/2006",
				 "outlook/responseschema/2006a");
}

static const char *step_body(struct arena *memory, const struct step *step, const char *address)
{
	if (!step->asks_mobilesync)
		return outlook_body(memory, address);
	return autodiscover_body(memory, address, "mobilesync/requestschema/2006",
				 "mobilesync/responseschema/2006");
}

static const char *evolution_query(struct arena *memory, const struct address *address)
{
	const char *query = arena_printf(memory, "?emailaddress=EVOLUTIONUSER%%40%s",
					 address->domain);
	struct md5 md5;

	if (!md5_of(address->text, strlen(address->text), &md5))
		return query;
	return arena_printf(memory, "%s&emailmd5=%s", query, md5_text(memory, &md5));
}

static const char *query_of(struct arena *memory, enum step_query query,
			    const struct address *address)
{
	switch (query) {
	case QUERY_ENCODED:
		return arena_printf(memory, "?emailaddress=%s",
				    percent_encode(memory, address->text));
	case QUERY_RAW:
		return arena_printf(memory, "?emailaddress=%s", address->text);
	case QUERY_EVOLUTION:
		return evolution_query(memory, address);
	case QUERY_ACTIVESYNC:
		return arena_printf(memory, "?Email=%s&Protocol=ActiveSync",
				    percent_encode(memory, address->text));
	case QUERY_VERSION_1:
		return arena_printf(memory, "?Email=%s&Protocol=AutodiscoverV1",
				    percent_encode(memory, address->text));
	default:
		return "";
	}
}

static struct http_request request_of(struct arena *memory, const struct step *step,
				      const char *host, const struct address *address)
{
	struct http_request request = {
		.method = step->method,
		.is_tls = step->is_tls,
		.host = host,
		.port = step->is_tls ? 443 : 80,
		.target = arena_printf(memory, "%s%s", step->path,
				       query_of(memory, step->query, address)),
	};

	if (text_equals(step->method, "POST")) {
		request.media_type = "text/xml; charset=utf-8";
		request.body = step_body(memory, step, address->text);
	}
	return request;
}

struct walk {
	const struct client *client;
	struct asker *asker;
	struct arena *memory;
	const struct address *address;
	bool is_at_apex;    /* it asks the domain itself, whose web site may be anybody's */
	bool prefers_other; /* what there is comes from there, and explains little */
	struct conclusion conclusion;
};

static void note_refusal(struct walk *walk, const struct http_request *request, bool was_answered,
			 const char *why)
{
	struct conclusion *conclusion = &walk->conclusion;

	if (conclusion->refusal && walk->is_at_apex && !walk->prefers_other)
		return;
	walk->prefers_other = walk->is_at_apex;
	conclusion->refused = *request;
	conclusion->was_answered = was_answered;
	conclusion->refusal = arena_printf(walk->memory, "%s: %s", http_url(walk->memory, request),
					   why);
}

/* For what the answer is. */
static void refuse(struct walk *walk, const struct http_request *request, const char *why)
{
	note_refusal(walk, request, true, why);
}

static bool is_redirect(const struct http_answer *answer)
{
	return (answer->status == 301 || answer->status == 302 || answer->status == 303 ||
		answer->status == 307 || answer->status == 308) &&
	       *answer->location;
}

/* What the client does not even look at counts as no answer. */
static bool is_heard(struct walk *walk, const struct http_request *request,
		     const struct http_answer *answer)
{
	const struct client *client = walk->client;
	struct peer peer = answer->peer;

	if (client->takes_any_name)
		peer.covers_name = true;
	if (answer->status == 0) {
		if (!walk->conclusion.refusal || walk->prefers_other)
			note_refusal(walk, request, answer->has_peer && peer_is_good(&peer),
				     answer->failure);
		return false;
	}
	if (answer->status == 429) {
		refuse(walk, request,
		       "the server says that this network asks too often; its 'trusted' in "
		       "[limits] can except it");
		return false;
	}
	if (client->limit && answer->milliseconds > client->limit) {
		walk->conclusion.slow_url = http_url(walk->memory, request);
		walk->conclusion.slow_milliseconds = answer->milliseconds;
		refuse(walk, request, "the answer comes too late");
		return false;
	}
	if (answer->has_peer && !peer_is_good(&peer)) {
		note_refusal(walk, request, false, "its certificate is not good");
		return false;
	}
	return true;
}

/* Follows redirects to the answer that counts. Returns whether there is one. */
static bool ask(struct walk *walk, const struct step *step, struct http_request *request,
		struct http_answer *answer)
{
	for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
		struct http_request next;

		walk->asker->ask(walk->asker, walk->memory, request, answer);
		if (!is_heard(walk, request, answer))
			return false;
		if (!is_redirect(answer)) {
			if (hop == 0 && step->only_redirects)
				return false;
			return true;
		}
		if (!http_url_parse(walk->memory, answer->location, request, &next) ||
		    (!next.is_tls && (walk->client->only_to_tls || step->only_redirects))) {
			refuse(walk, request, "it leads to nowhere that the client would go");
			return false;
		}
		/* Clients of Outlook's document ask the same again, as a POST. */
		next.method = text_equals(step->path, PATH_AUTODISCOVER) && step->only_redirects
				      ? "POST"
				      : request->method;
		next.media_type = "text/xml; charset=utf-8";
		next.body = text_equals(next.method, "POST")
				    ? step_body(walk->memory, step, walk->address->text)
				    : NULL;
		*request = next;
	}
	refuse(walk, request, "it leads on and on");
	return false;
}

/* Asks, and takes what the client does not refuse for its status or type. */
static bool ask_and_accept(struct walk *walk, const struct step *step, struct http_request *request,
			   struct http_answer *answer)
{
	if (!ask(walk, step, request, answer))
		return false;
	if (walk->client->accepts(answer->status, answer->media_type))
		return true;
	refuse(walk, request,
	       arena_printf(walk->memory, "status %d%s%s", answer->status,
			    *answer->media_type ? ", " : "", answer->media_type));
	return false;
}

/* The answer that has the settings, where the first only says who has them. */
static bool follow_lead(struct walk *walk, const struct step *step, struct http_request *request,
			struct http_answer *answer)
{
	struct http_request next;
	const char *url = NULL, *why;

	why = step->lead(walk->memory, answer->body, answer->size, &url);
	if (!why && !http_url_parse(walk->memory, url, request, &next))
		why = "it leads to nowhere that the client would go";
	if (why) {
		refuse(walk, request, why);
		return false;
	}
	next.method = "POST";
	next.media_type = "text/xml; charset=utf-8";
	next.body = outlook_body(walk->memory, walk->address->text);
	*request = next;
	walk->conclusion.refusal = NULL; /* from here on this says more than what was before */
	return ask_and_accept(walk, step, request, answer);
}

/* Whoever knows the digest of a document believes no other. */
static bool has_digest(struct walk *walk, const struct http_request *request,
		       const struct http_answer *answer)
{
	const char *wanted = walk->asker->pacc_digest, *found;
	struct digest digest;

	if (!wanted)
		return true;
	digest = digest_of(answer->body, answer->size);
	found = digest_base64(walk->memory, &digest);
	if (text_equals(found, wanted))
		return true;
	refuse(walk, request,
	       arena_printf(walk->memory, "its digest is %s, not %s, which belongs into DNS", found,
			    wanted));
	return false;
}

static bool take_step(struct walk *walk, const struct step *step)
{
	const char *host = step->asks_srv ? walk->asker->srv_target
					  : arena_printf(walk->memory, "%s%s", step->prefix,
							 walk->address->domain);
	struct http_request request;
	struct http_answer answer;
	const char *why;

	if (!host)
		return false;
	walk->is_at_apex = step->prefix && !*step->prefix;
	request = request_of(walk->memory, step, host, walk->address);
	if (!ask_and_accept(walk, step, &request, &answer) ||
	    (step->lead && !follow_lead(walk, step, &request, &answer)) ||
	    (step->has_digest && !has_digest(walk, &request, &answer)))
		return false;
	why = step->read(walk->memory, answer.body, answer.size, walk->address,
			 &walk->conclusion.settings);
	if (why) {
		refuse(walk, &request, why);
		walk->conclusion.settings.count = 0;
		return false;
	}
	walk->conclusion.url = http_url(walk->memory, &request);
	return true;
}

void client_conclude(const struct client *client, struct asker *asker, struct arena *memory,
		     const struct address *address, struct conclusion *ret_conclusion)
{
	struct walk walk = {
		.client = client,
		.asker = asker,
		.memory = memory,
		.address = address,
	};

	for (const struct step *step = client->steps; step->path; step++)
		if ((!asker->document || text_equals(step_document(step), asker->document)) &&
		    take_step(&walk, step))
			break;
	*ret_conclusion = walk.conclusion;
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
	return settings->count > 0 || settings->sent_on_to;
}

bool settings_equal(const struct settings_found *a, const struct settings_found *b)
{
	if (a->count != b->count || !a->sent_on_to != !b->sent_on_to ||
	    (a->sent_on_to && !text_equals(a->sent_on_to, b->sent_on_to)))
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
		[SETTING_AUTOMATIC] = "with what it finds",
	};
	struct bytes text = BYTES_IN(memory);

	if (settings->sent_on_to)
		return arena_printf(memory, "a redirect to %s", settings->sent_on_to);
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
