/*
 * It has no published specification; Microsoft's cloud sends requests for its newer clients. The
 * response has the URL of a protocol, but not of IMAP, so the only correct one is the URL of
 * Autodiscover version 1. The URL of ActiveSync is sent only if the provider enables it, because a
 * client that gets it stops looking for IMAP. Nothing of the query is in the response.
 */

#include "protocol/protocol.h"
#include "util/base.h"

#include <jansson.h>

static void set_json(struct response *response, struct arena *memory, unsigned status, json_t *json)
{
	_cleanup_(freep) char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	response->status = status;
	response->media_type = "application/json";
	response->cache_control = "no-store";
	response->body = arena_strdup(memory, text ? text : "{}");
	response->size = strlen(response->body);
}

/*
 * /autodiscover/autodiscover.json?Email=first.last@example.org&Protocol=AutodiscoverV1
 * /autodiscover/autodiscover.json/v1.0/first.last@example.org?Protocol=AutodiscoverV1
 */
static const char *asked_address(struct arena *memory, const struct request *request)
{
	static const char *const names[] = { "email" };
	const char *path = request_path(memory, request);
	const char *name = strrchr(path, '/') + 1;

	if (!text_equals_ignoring_case(name, "autodiscover.json"))
		return name;
	return request_argument(memory, request, names, 1);
}

static const struct protocol v2_activesync, v2_unknown, v2_none;

static const struct protocol *asked_protocol(struct arena *memory, const struct request *request)
{
	static const char *const names[] = { "protocol" };
	const char *protocol = request_argument(memory, request, names, 1);

	if (!protocol || !*protocol)
		return &v2_none;
	if (text_equals_ignoring_case(protocol, "AutodiscoverV1"))
		return &protocol_autodiscover_v2;
	if (text_equals_ignoring_case(protocol, "ActiveSync"))
		return &v2_activesync;
	return &v2_unknown;
}

static struct question refuse_question(const struct protocol *protocol, enum failure failure)
{
	return (struct question){ .protocol = protocol, .failure = failure };
}

static struct question autodiscover_v2_parse(struct arena *memory, const struct request *request)
{
	const struct protocol *protocol = asked_protocol(memory, request);
	struct address *address = arena_new(memory, struct address);
	const char *text = asked_address(memory, request);
	struct error err;

	if (protocol == &v2_unknown)
		return refuse_question(protocol, FAILURE_NOT_OFFERED);
	if (protocol == &v2_none || !text || address_parse(memory, text, address, &err) < 0)
		return refuse_question(protocol, FAILURE_BAD_REQUEST);
	return (struct question){
		.protocol = protocol,
		.query = {
			.address = address,
			.domain = address->domain,
			.host = request_host(memory, request),
		},
	};
}

static void render(struct arena *memory, const char *protocol, const char *url,
		   struct response *response)
{
	set_json(response, memory, 200, json_pack("{ssss}", "Protocol", protocol, "Url", url));
}

static enum failure autodiscover_render(const struct site *site, struct arena *memory,
					const struct profile *profile, struct response *response)
{
	const char *host = profile->public_name;

	if (!host)
		host = *site->public_name
			       ? site->public_name
			       : arena_printf(memory, "autodiscover.%s", profile->domain);
	render(memory, "AutodiscoverV1",
	       arena_printf(memory, "https://%s/autodiscover/autodiscover.xml", host), response);
	return FAILURE_NONE;
}

static enum failure activesync_render(const struct site *site, struct arena *memory,
				      const struct profile *profile, struct response *response)
{
	const struct endpoint *endpoint = profile_first(profile, SERVICE_ACTIVESYNC);

	/* Who moved learns so from version 1; the old URL is nobody's any more. */
	if (!endpoint || !profile->activesync_v2 || profile->moved_url || profile->moved_address)
		return FAILURE_NOT_OFFERED;
	render(memory, "ActiveSync", endpoint->url, response);
	return FAILURE_NONE;
}

static void refuse(struct arena *memory, unsigned status, const char *code, const char *message,
		   struct response *response)
{
	set_json(response, memory, status,
		 json_pack("{ssss}", "ErrorCode", code, "ErrorMessage", message));
}

static void answer_failure(const struct site *site, struct arena *memory, enum failure failure,
			   struct response *response)
{
	switch (failure) {
	case FAILURE_INTERNAL:
		refuse(memory, 503, "ServerBusy", "Try again later.", response);
		break;
	case FAILURE_BROKEN:
		refuse(memory, 500, "InternalServerError",
		       "The configuration of this domain has an error.", response);
		break;
	case FAILURE_NOT_OFFERED:
		refuse(memory, 400, "InvalidProtocol",
		       "The requested protocol is not supported. Supported values: AutodiscoverV1.",
		       response);
		break;
	case FAILURE_UNKNOWN_DOMAIN:
		refuse(memory, 400, "UserNotFound", "The address is not served here.", response);
		break;
	default:
		refuse(memory, 400, "MandatoryParameterMissing", "A valid Email is required.",
		       response);
		break;
	}
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
