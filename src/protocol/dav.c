/*
 * Clients ask the mail domain itself, with any method (PROPFIND mostly), and follow a redirect to
 * the provider's own server. It leads where the database says, never where a request does.
 */

#include "protocol/protocol.h"

static struct question caldav_parse(struct arena *memory, const struct request *request)
{
	return question_of_host(memory, request, &protocol_caldav);
}

static struct question carddav_parse(struct arena *memory, const struct request *request)
{
	return question_of_host(memory, request, &protocol_carddav);
}

static enum failure redirect(const struct profile *profile, enum service_kind kind,
			     struct response *response)
{
	const struct endpoint *endpoint = profile_first(profile, kind);
	struct host_domains domains;

	if (!endpoint)
		return FAILURE_NOT_OFFERED;
	/* mailconfctl refuses such a service, but other programs can write it: no client is
	 * redirected to the URL that it requested. */
	domains = host_domains(endpoint->host);
	if (endpoint->port == 443 && path_asks_for_dav(endpoint->path) &&
	    (text_equals(domains.bare, profile->domain) ||
	     text_same(domains.stripped, profile->domain)))
		return FAILURE_NOT_OFFERED;
	response_set_text(response, 301, "It is elsewhere.\n");
	response->is_refusal = false;
	response->location = endpoint->url;
	return FAILURE_NONE;
}

static enum failure caldav_render(const struct site *site, struct arena *memory,
				  const struct profile *profile, struct response *response)
{
	return redirect(profile, SERVICE_CALDAV, response);
}

static enum failure carddav_render(const struct site *site, struct arena *memory,
				   const struct profile *profile, struct response *response)
{
	return redirect(profile, SERVICE_CARDDAV, response);
}

static const struct route caldav_routes[] = {
	{ "/.well-known/caldav", NULL, caldav_parse },
	{ 0 },
};

const struct protocol protocol_caldav = {
	.name = "caldav",
	.routes = caldav_routes,
	.render = caldav_render,
	.fail = fail_with_status,
};

static const struct route carddav_routes[] = {
	{ "/.well-known/carddav", NULL, carddav_parse },
	{ 0 },
};

const struct protocol protocol_carddav = {
	.name = "carddav",
	.routes = carddav_routes,
	.render = carddav_render,
	.fail = fail_with_status,
};
