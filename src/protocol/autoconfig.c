/*
 * Thunderbird's autoconfig, which many clients read. Some send the address (Thunderbird, Evolution,
 * FairEmail), some only ask the right host (Thunderbird for Android, KMail, Geary); an address that
 * cannot be read is as good as none, for a refusal would leave the person with nothing.
 */

#include "protocol/autoconfig.h"

#include "protocol/templates.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Evolution 3.46 keeps the local part to itself, sends this one, and replaces it in the answer. */
#define EVOLUTION_LOCAL_PART "EVOLUTIONUSER"

struct question autoconfig_parse(struct arena *memory, const struct request *request)
{
	static const char *const names[] = { "emailaddress", "email" };
	struct address *address = arena_new(memory, struct address);
	struct question question = {
		.protocol = &protocol_autoconfig,
		.query = { .host = request_host(memory, request), .host_may_answer = true },
	};
	const char *text = request_argument(memory, request, names, 2);
	struct error err;

	if (!text || address_parse(memory, text, address, &err) < 0)
		return question;
	question.query.domain = address->domain;
	if (!text_equals(address->local, EVOLUTION_LOCAL_PART))
		question.query.address = address;
	return question;
}

static const char *const socket_types[] = {
	[SECURITY_TLS] = "SSL",
	[SECURITY_STARTTLS] = "STARTTLS",
	[SECURITY_PLAIN] = "plain",
};

static struct value server_view(struct arena *memory, const char *type,
				const struct endpoint *endpoint)
{
	struct value *authentications = arena_array(memory, struct value,
						    endpoint->n_authentications);

	for (size_t i = 0; i < endpoint->n_authentications; i++)
		authentications[i] = value_text(authentication_name(endpoint->authentications[i]));

	const struct field fields[] = {
		{ "type", value_text(type) },
		{ "hostname", value_text(endpoint->host) },
		{ "port", value_text(arena_printf(memory, "%u", endpoint->port)) },
		{ "socket_type", value_text(socket_types[endpoint->security]) },
		{ "username", value_text(endpoint->login_template) },
		{ "authentications", value_list(authentications, endpoint->n_authentications) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

struct value autoconfig_view(struct arena *memory, const struct profile *profile)
{
	static const char *const types[SERVICE_KINDS] = {
		[SERVICE_IMAP] = "imap",
		[SERVICE_POP3] = "pop3",
		[SERVICE_SUBMISSION] = "smtp",
	};
	struct value *incoming = arena_array(memory, struct value, profile->n_endpoints);
	struct value *outgoing = arena_array(memory, struct value, profile->n_endpoints);
	size_t n_incoming = 0, n_outgoing = 0;

	for (size_t i = 0; i < profile->n_endpoints; i++) {
		const struct endpoint *endpoint = &profile->endpoints[i];
		const char *type = types[endpoint->kind];

		if (!type)
			continue;
		if (endpoint->kind == SERVICE_SUBMISSION)
			outgoing[n_outgoing++] = server_view(memory, type, endpoint);
		else
			incoming[n_incoming++] = server_view(memory, type, endpoint);
	}

	const struct field fields[] = {
		{ "domain", value_text(profile->domain) },
		{ "display_name", value_text(profile->display_name) },
		{ "short_name", value_text(profile->short_name) },
		{ "incoming", value_list(incoming, n_incoming) },
		{ "outgoing", value_list(outgoing, n_outgoing) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static enum failure autoconfig_render(const struct templates *templates, struct arena *memory,
				      const struct profile *profile, struct response *response)
{
	struct value view;

	if (!profile_first(profile, SERVICE_IMAP) && !profile_first(profile, SERVICE_POP3) &&
	    !profile_first(profile, SERVICE_SUBMISSION))
		return FAILURE_NOT_OFFERED;
	view = autoconfig_view(memory, profile);
	response->cache_control = profile->address ? "private, no-cache" : "max-age=300";
	templates_render(templates, TEMPLATE_AUTOCONFIG, memory, &view, response);
	return FAILURE_NONE;
}

/* Clients go on to their next source at any status but 200; an empty 2xx would stop them. */
static void autoconfig_fail(const struct templates *templates, struct arena *memory,
			    enum failure failure, struct response *response)
{
	switch (failure) {
	case FAILURE_INTERNAL:
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

const struct protocol protocol_autoconfig = {
	.name = "autoconfig",
	.render = autoconfig_render,
	.fail = autoconfig_fail,
};
