#include "protocol/autodiscover.h"

#include "protocol/templates.h"
#include "protocol/xml.h"
#include "template/value.h"
#include "util/base.h"

static const struct {
	const char *schema;
	const struct protocol *protocol;
} accepted[] = {
	{ AUTODISCOVER_OUTLOOK_SCHEMA, &protocol_outlook },
	{ AUTODISCOVER_MOBILESYNC_SCHEMA, &protocol_mobilesync },
};

/* Returns the only child of the name, NULL where there is none; *ret_is_twice tells of a second. */
static const struct xml_element *only_child(const struct xml_element *parent, const char *name,
					    bool *ret_is_twice)
{
	const struct xml_element *found = NULL;

	for (const struct xml_element *child = parent->first_child; child; child = child->next) {
		if (!text_equals_ignoring_case(child->name, name))
			continue;
		if (found)
			*ret_is_twice = true;
		found = child;
	}
	return found;
}

/* A client that names no schema is taken for Outlook; older ones did so. */
static const struct protocol *protocol_of(const struct xml_element *schema)
{
	if (!schema || !*schema->text)
		return &protocol_outlook;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++)
		if (text_equals_ignoring_case(accepted[i].schema, schema->text))
			return accepted[i].protocol;
	return NULL;
}

static struct question refuse(enum failure failure)
{
	return (struct question){ .protocol = &protocol_outlook, .failure = failure };
}

/* Delta Chat and browsers send no body: the Host decides. */
static struct question ask_host(struct arena *memory, const struct request *request)
{
	return (struct question){
		.protocol = &protocol_outlook,
		.query = { .host = request_host(memory, request) },
	};
}

/*
 * <Autodiscover xmlns="...">
 *   <Request>
 *     <EMailAddress>first.last@example.org</EMailAddress>
 *     <AcceptableResponseSchema>...</AcceptableResponseSchema>
 *   </Request>
 * </Autodiscover>
 *
 * LegacyDN instead of an address, or beside it, wins (MS-OXDSCLI 3.2.5), and is unknown here.
 */
struct question autodiscover_parse(struct arena *memory, const struct request *request)
{
	const struct xml_element *root, *body, *email, *legacy, *schema;
	struct address *address = arena_new(memory, struct address);
	const struct protocol *protocol;
	bool is_twice = false;
	struct error err;

	if (!text_equals(request->method, "POST"))
		return ask_host(memory, request);
	root = xml_parse(memory, request->body ? request->body : "", request->body_size, &err);
	if (!root || !text_equals_ignoring_case(root->name, "Autodiscover"))
		return refuse(FAILURE_BAD_REQUEST);
	body = only_child(root, "Request", &is_twice);
	if (!body || is_twice)
		return refuse(FAILURE_BAD_REQUEST);
	email = only_child(body, "EMailAddress", &is_twice);
	legacy = only_child(body, "LegacyDN", &is_twice);
	schema = only_child(body, "AcceptableResponseSchema", &is_twice);
	if (is_twice)
		return refuse(FAILURE_BAD_REQUEST);
	if (legacy)
		return refuse(FAILURE_UNKNOWN_DOMAIN);
	if (!email || email->first_child || address_parse(memory, email->text, address, &err) < 0)
		return refuse(FAILURE_BAD_REQUEST);
	protocol = protocol_of(schema);
	if (!protocol)
		return refuse(FAILURE_NOT_OFFERED);
	return (struct question){
		.protocol = protocol,
		.query = {
			.address = address,
			.domain = address->domain,
			.host = request_host(memory, request),
		},
	};
}

const char *autodiscover_request_body(struct arena *memory, const struct protocol *document,
				      const char *address)
{
	struct bytes escaped = BYTES_IN(memory);

	for (; *address; address++)
		if (*address == '&')
			bytes_add_text(&escaped, "&amp;");
		else if (*address == '<')
			bytes_add_text(&escaped, "&lt;");
		else
			bytes_add_char(&escaped, *address);
	return arena_printf(memory,
			    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			    "<Autodiscover xmlns=\"" AUTODISCOVER_SCHEMAS
			    "%s/requestschema/2006\"><Request><EMailAddress>%s</EMailAddress>"
			    "<AcceptableResponseSchema>%s</AcceptableResponseSchema></Request>"
			    "</Autodiscover>",
			    document->name, bytes_text(&escaped), document->preview.schema);
}

struct value autodiscover_redirect_view(struct arena *memory, const struct profile *profile)
{
	const struct field fields[] = {
		{ "asked", value_text(profile->address ? profile->address->text : NULL) },
		{ "url", value_text(profile->moved_url) },
		{ "address", value_text(profile->moved_address) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

/* MS-OXDSCLI 2.2.4.1.1.3.2; the sentences are ours, and say nothing of what was asked. */
static const struct {
	const char *code, *message;
} errors[FAILURES] = {
	[FAILURE_BAD_REQUEST] = { "600", "Invalid request" },
	[FAILURE_UNKNOWN_DOMAIN] = { "500", "The e-mail address cannot be found" },
	[FAILURE_NOT_OFFERED] = { "601", "The requested type is not available" },
	[FAILURE_BROKEN] = { "602", "The configuration of this domain has an error" },
	[FAILURE_INTERNAL] = { "603", "Internal error" },
};

static struct value error_view(struct arena *memory, enum failure failure)
{
	const struct field fields[] = {
		{ "code", value_text(errors[failure].code) },
		{ "message", value_text(errors[failure].message) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static struct value sample_error_view(struct arena *memory, const struct profile *profile)
{
	return error_view(memory, FAILURE_BAD_REQUEST);
}

const struct document_template autodiscover_error_template = { "autodiscover-error.xml",
							       sample_error_view };

void autodiscover_fail(const struct site *site, struct arena *memory, enum failure failure,
		       struct response *response)
{
	struct value view = error_view(memory, failure);

	response->cache_control = "no-store";
	templates_render(site->templates, &autodiscover_error_template, memory, &view, response);
}
