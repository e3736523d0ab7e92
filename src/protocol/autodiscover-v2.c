/*
 * It has no published specification; Microsoft's cloud sends requests for its newer clients. The
 * response has the URL of a protocol, but not of IMAP, so the only correct one is the URL of
 * Autodiscover version 1. The URL of ActiveSync is sent only if the provider enables it, because a
 * client that gets it stops looking for IMAP. Nothing of the query is in the response.
 */

#include "protocol/protocol.h"

#include <jansson.h>

/* Both kinds of documents are two texts. */
static void set_json(struct response *response, struct arena *memory, unsigned status,
		     const char *name, const char *value, const char *other_name,
		     const char *other_value)
{
	json_t *json = json_pack("{ssss}", name, value, other_name, other_value);
	_cleanup_(freep) char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	response->status = status;
	response->media_type = "application/json";
	response->cache_control = "no-store";
	response->body = arena_strdup(memory, text ? text : "{}");
	response->size = strlen(response->body);
}

static const struct protocol v2_activesync, v2_unknown, v2_none;

/*
 * /autodiscover/autodiscover.json?Email=first.last@example.org&Protocol=AutodiscoverV1
 * /autodiscover/autodiscover.json/v1.0/first.last@example.org?Protocol=AutodiscoverV1
 */
static struct question autodiscover_v2_parse(struct arena *memory, const struct request *request)
{
	const char *name = request_argument(memory, request, "protocol", NULL);
	const char *text = strrchr(request_path(memory, request), '/') + 1;
	const struct protocol *protocol = &protocol_autodiscover_v2;

	if (!name || !*name)
		return (struct question){ .protocol = &v2_none, .failure = FAILURE_BAD_REQUEST };
	if (text_equals_ignoring_case(name, "ActiveSync"))
		protocol = &v2_activesync;
	else if (!text_equals_ignoring_case(name, "AutodiscoverV1"))
		return (struct question){ .protocol = &v2_unknown, .failure = FAILURE_NOT_OFFERED };
	if (text_equals_ignoring_case(text, "autodiscover.json"))
		text = request_argument(memory, request, "email", NULL);
	return question_of_address(memory, request, protocol, text);
}

static enum failure autodiscover_render(const struct site *site, struct arena *memory,
					const struct profile *profile, struct response *response)
{
	const char *host = profile->public_name;

	if (!host)
		host = *site->public_name
			       ? site->public_name
			       : arena_printf(memory, "autodiscover.%s", profile->domain);
	set_json(response, memory, 200, "Protocol", "AutodiscoverV1", "Url",
		 arena_printf(memory, "https://%s/autodiscover/autodiscover.xml", host));
	return FAILURE_NONE;
}

static enum failure activesync_render(const struct site *site, struct arena *memory,
				      const struct profile *profile, struct response *response)
{
	const struct endpoint *endpoint = profile_first(profile, SERVICE_ACTIVESYNC);

	/* Who moved learns so from version 1; the old URL is nobody's any more. */
	if (!endpoint || !profile->activesync_v2 || profile->moved_url || profile->moved_address)
		return FAILURE_NOT_OFFERED;
	set_json(response, memory, 200, "Protocol", "ActiveSync", "Url", endpoint->url);
	return FAILURE_NONE;
}

static void refuse(struct arena *memory, unsigned status, const char *code, const char *message,
		   struct response *response)
{
	set_json(response, memory, status, "ErrorCode", code, "ErrorMessage", message);
}

static void answer_failure(const struct site *site, struct arena *memory, enum failure failure,
			   struct response *response)
{
	static const struct {
		unsigned status;
		const char *code, *message;
	} errors[FAILURES] = {
		[FAILURE_BAD_REQUEST] = { 400, "MandatoryParameterMissing",
					  "A valid Email is required." },
		[FAILURE_UNKNOWN_DOMAIN] = { 400, "UserNotFound",
					     "The address is not served here." },
		[FAILURE_NOT_OFFERED] = { 400, "InvalidProtocol",
					  "The requested protocol is not supported. Supported "
					  "values: AutodiscoverV1." },
		[FAILURE_BROKEN] = { 500, "InternalServerError",
				     "The configuration of this domain has an error." },
		[FAILURE_INTERNAL] = { 503, "ServerBusy", "Try again later." },
	};

	refuse(memory, errors[failure].status, errors[failure].code, errors[failure].message,
	       response);
}

/* Refused before it is known which provider it is about. */
static void fail_with_unknown(const struct site *site, struct arena *memory, enum failure failure,
			      struct response *response)
{
	refuse(memory, 400, "InvalidProtocol",
	       "The requested protocol is not supported. Supported values: AutodiscoverV1, and "
	       "where the provider offers it ActiveSync.",
	       response);
}

static void fail_without_protocol(const struct site *site, struct arena *memory,
				  enum failure failure, struct response *response)
{
	refuse(memory, 400, "MissingProtocol", "A Protocol is required.", response);
}

static const struct route v2_routes[] = {
	{ "/autodiscover/autodiscover.json", "GET, HEAD", autodiscover_v2_parse },
	{ "/autodiscover/autodiscover.json/v1.0/", "GET, HEAD", autodiscover_v2_parse },
	{ 0 },
};

const struct protocol protocol_autodiscover_v2 = {
	.name = "autodiscover-v2",
	.routes = v2_routes,
	.preview = { "autodiscover", .argument = "?Email=", .takes_address = true,
		     .takes_protocol = true, .has_public_name = true },
	.render = autodiscover_render,
	.fail = answer_failure,
};

static const struct protocol v2_activesync = {
	.name = "autodiscover-v2",
	.render = activesync_render,
	.fail = answer_failure,
};

static const struct protocol v2_unknown = {
	.name = "autodiscover-v2",
	.fail = fail_with_unknown,
};

static const struct protocol v2_none = {
	.name = "autodiscover-v2",
	.fail = fail_without_protocol,
};
