#include "protocol/protocol.h"

/* The most frequent first: counters and routes are searched from the beginning. */
const struct protocol *const all_protocols[] = {
	&protocol_autoconfig, &protocol_outlook, &protocol_mobilesync, &protocol_autodiscover_v2,
	&protocol_caldav,     &protocol_carddav, &protocol_pacc,       &protocol_mobileconfig,
};

const char *failure_name(enum failure failure)
{
	static const char *const names[FAILURES] = {
		[FAILURE_NONE] = "settings",
		[FAILURE_BAD_REQUEST] = "bad-request",
		[FAILURE_UNKNOWN_DOMAIN] = "unknown-domain",
		[FAILURE_NOT_OFFERED] = "not-offered",
		[FAILURE_BROKEN] = "broken-data",
		[FAILURE_INTERNAL] = "database-unavailable",
		[FAILURE_SIGNATURE] = "cannot-sign",
	};

	return names[failure];
}

/* Clients try their next source at any status except 200; an empty 2xx would stop them. */
void fail_with_status(const struct site *site, struct arena *memory, enum failure failure,
		      struct response *response)
{
	switch (failure) {
	case FAILURE_INTERNAL:
	case FAILURE_SIGNATURE:
		response_set_text(response, 503, "Try again later.\n");
		break;
	case FAILURE_BROKEN:
		response_set_text(response, 500,
				  "The configuration of this domain has an error.\n");
		break;
	default:
		response_set_text(response, 404, "Not found.\n");
		break;
	}
}

struct question question_of_host(struct arena *memory, const struct request *request,
				 const struct protocol *protocol)
{
	return (struct question){
		.protocol = protocol,
		.query = { .host = request_host(memory, request) },
	};
}

struct question question_of_address(struct arena *memory, const struct request *request,
				    const struct protocol *protocol, const char *text)
{
	struct address *address = arena_new(memory, struct address);
	struct question question;
	struct error err;

	if (!text || address_parse(memory, text, address, &err) < 0)
		return (struct question){ .protocol = protocol, .failure = FAILURE_BAD_REQUEST };
	question = question_of_host(memory, request, protocol);
	question.query.address = address;
	question.query.domain = address->domain;
	return question;
}

static bool route_matches(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);

	if (pattern[length - 1] != '/')
		return text_equals_ignoring_case(pattern, path);
	return text_starts_with_ignoring_case(path, pattern) && path[length] &&
	       !strchr(path + length, '/');
}

const struct route *route_find(const char *path)
{
	for (size_t i = 0; path && i < PROTOCOLS; i++)
		for (const struct route *route = all_protocols[i]->routes; route && route->path;
		     route++)
			if (route_matches(route->path, path))
				return route;
	return NULL;
}

bool route_allows(const struct route *route, const char *method)
{
	size_t length = strlen(method);

	if (!route->methods)
		return true;
	for (const char *allowed = route->methods; *allowed; allowed += strspn(allowed, ", ")) {
		size_t size = strcspn(allowed, ",");

		if (size == length && strncmp(allowed, method, size) == 0)
			return true;
		allowed += size;
	}
	return false;
}

bool route_reads_body(const struct route *route, const char *method)
{
	return route->methods && text_equals(method, "POST") && route_allows(route, method);
}
