/*
 * Autodiscover version 1, whose documents are plain XML (POX), for Outlook (MS-OXDSCLI 2.2.4) and
 * for ActiveSync devices (MS-ASCMD 2.2.1.1). Both have one URL, one format of requests and one of
 * errors; the schema that the client accepts decides which document it gets.
 */

#include "protocol/protocol.h"

#include "protocol/templates.h"
#include "protocol/xml.h"

#define SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"

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

static struct question refuse(enum failure failure)
{
	return (struct question){ .protocol = &protocol_outlook, .failure = failure };
}

/*
 * <Autodiscover xmlns="...">
 *   <Request>
 *     <EMailAddress>first.last@example.org</EMailAddress>
 *     <AcceptableResponseSchema>...</AcceptableResponseSchema>
 *   </Request>
 * </Autodiscover>
 *
 * LegacyDN instead of an address, or beside it, wins (MS-OXDSCLI 3.2.5), and is unknown here. A
 * client that names no schema is taken for Outlook; older ones did so.
 */
struct question autodiscover_parse(struct arena *memory, const struct request *request)
{
	const struct xml_element *root, *body, *email, *legacy, *schema;
	const struct protocol *protocol = &protocol_outlook;
	struct question question;
	bool is_twice = false;
	struct error err;

	/* Delta Chat and browsers send no body: the Host decides. */
	if (!text_equals(request->method, "POST"))
		return question_of_host(memory, request, protocol);
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
	if (schema && text_equals_ignoring_case(schema->text, protocol_mobilesync.preview.schema))
		protocol = &protocol_mobilesync;
	question = question_of_address(memory, request, protocol,
				       email && !email->first_child ? email->text : NULL);
	if (question.failure != FAILURE_NONE)
		return refuse(question.failure);
	if (schema && *schema->text &&
	    !text_equals_ignoring_case(schema->text, protocol->preview.schema))
		return refuse(FAILURE_NOT_OFFERED);
	return question;
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
			    "<Autodiscover xmlns=\"" SCHEMAS
			    "%s/requestschema/2006\"><Request><EMailAddress>%s</EMailAddress>"
			    "<AcceptableResponseSchema>%s</AcceptableResponseSchema></Request>"
			    "</Autodiscover>",
			    document->name, bytes_text(&escaped), document->preview.schema);
}

/* MS-OXDSCLI 2.2.4.1.1.3.2; the sentences are ours, and say nothing of what was asked. */
static struct value error_view(struct arena *memory, enum failure failure)
{
	static const struct {
		const char *code, *message;
	} errors[FAILURES] = {
		[FAILURE_BAD_REQUEST] = { "600", "Invalid request" },
		[FAILURE_UNKNOWN_DOMAIN] = { "500", "The e-mail address cannot be found" },
		[FAILURE_NOT_OFFERED] = { "601", "The requested type is not available" },
		[FAILURE_BROKEN] = { "602", "The configuration of this domain has an error" },
		[FAILURE_INTERNAL] = { "603", "Internal error" },
	};

	return VALUE_MAP(memory, { "code", value_text(errors[failure].code) },
			 { "message", value_text(errors[failure].message) });
}

static struct value sample_error_view(struct arena *memory, const struct profile *profile)
{
	return error_view(memory, FAILURE_BAD_REQUEST);
}

static const struct document_template error_template = { "autodiscover-error.xml",
							 sample_error_view };

/* MS-OXDSCLI 2.2.4.1.1.3: an error document, sent with status 200, because clients take any other
 * status for a URL that is not Autodiscover's. */
static void fail_with_document(const struct site *site, struct arena *memory, enum failure failure,
			       struct response *response)
{
	response->cache_control = "no-store";
	templates_render(site->templates, &error_template, memory, error_view(memory, failure),
			 response);
}

static struct value address_view(const struct profile *profile)
{
	return value_text(profile->address ? profile->address->text : NULL);
}

static struct value redirect_view(struct arena *memory, const struct profile *profile)
{
	return VALUE_MAP(memory, { "asked", address_view(profile) },
			 { "url", value_text(profile->moved_url) },
			 { "address", value_text(profile->moved_address) });
}

/* Encryption is what Outlook 2010 and later read, SSL what Outlook 2007 and Thunderbird do: "off"
 * beside STARTTLS would be plaintext to these. */
static const struct {
	const char *ssl, *encryption;
} securities[] = {
	[SECURITY_TLS] = { "on", "SSL" },
	[SECURITY_STARTTLS] = { "on", "TLS" },
	[SECURITY_PLAIN] = { "off", "None" },
};

static bool has_same_login(const struct profile *profile, const struct endpoint *endpoint,
			   enum service_kind kind)
{
	const struct endpoint *other = profile_first(profile, kind);

	return !other || text_equals(other->login_template, endpoint->login_template);
}

static struct value on_off_view(bool on)
{
	return value_text(on ? "on" : "off");
}

static struct value protocol_view(struct arena *memory, const struct profile *profile,
				  const struct endpoint *endpoint, const char *type)
{
	const enum authentication *ways = endpoint->authentications;
	/* Only to send can be free: a mailbox without a login is nobody's. */
	bool is_free = endpoint->kind == SERVICE_SUBMISSION &&
		       (ways[0] == AUTHENTICATION_NONE ||
			ways[0] == AUTHENTICATION_CLIENT_IP_ADDRESS);
	/* With UsePOPAuth the server that sends mail gets the login of the one that it is fetched
	 * from, IMAP or POP3, and the LoginName beside it counts for nothing. */
	bool shares_login = !is_free && has_same_login(profile, endpoint, SERVICE_IMAP) &&
			    has_same_login(profile, endpoint, SERVICE_POP3);
	bool needs_spa = true;

	for (size_t i = 0; i < endpoint->n_authentications; i++)
		needs_spa &= ways[i] == AUTHENTICATION_NTLM || ways[i] == AUTHENTICATION_GSSAPI;
	return VALUE_MAP(memory, { "type", value_text(type) },
			 { "ttl", value_text(arena_printf(memory, "%u", profile->ttl)) },
			 { "server", value_text(endpoint->url ? endpoint->url : endpoint->host) },
			 { "port", value_text(arena_printf(memory, "%u", endpoint->port)) },
			 { "is_mail", value_bool(!endpoint->url) },
			 { "login", value_text(endpoint->login) },
			 { "spa", on_off_view(needs_spa) },
			 { "ssl", value_text(securities[endpoint->security].ssl) },
			 { "encryption", value_text(securities[endpoint->security].encryption) },
			 { "auth_required", on_off_view(!is_free) },
			 { "smtp", value_bool(endpoint->kind == SERVICE_SUBMISSION) },
			 { "use_pop_auth", on_off_view(shares_login) });
}

/* One service of each type goes out: some clients take the first of several, some the last. CalDAV
 * and CardDAV are nothing of Outlook's; eM Client reads them, where a provider likes. */
static struct value outlook_view(struct arena *memory, const struct profile *profile)
{
	static const struct {
		enum service_kind kind;
		const char *type;
	} types[] = {
		{ SERVICE_IMAP, "IMAP" },	{ SERVICE_POP3, "POP3" },
		{ SERVICE_SUBMISSION, "SMTP" }, { SERVICE_CALDAV, "CalDAV" },
		{ SERVICE_CARDDAV, "CardDAV" },
	};
	struct value *protocols = arena_array(memory, struct value, SERVICE_KINDS);
	size_t count = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct endpoint *endpoint = profile_first(profile, types[i].kind);

		if (endpoint && (!endpoint->url || profile->pox_dav))
			protocols[count++] = protocol_view(memory, profile, endpoint,
							   types[i].type);
	}
	return VALUE_MAP(memory, { "person", value_text(profile->person) },
			 { "address", address_view(profile) },
			 { "protocols", value_list(protocols, count) });
}

static const struct document_template outlook_template = { "outlook.xml", outlook_view };
static const struct document_template outlook_redirect_template = { "outlook-redirect.xml",
								    redirect_view };

static enum failure outlook_render(const struct site *site, struct arena *memory,
				   const struct profile *profile, struct response *response)
{
	const struct document_template *template = &outlook_template;

	if (profile->moved_url || profile->moved_address)
		template = &outlook_redirect_template;
	else if (!profile_first(profile, SERVICE_IMAP) && !profile_first(profile, SERVICE_POP3) &&
		 !profile_first(profile, SERVICE_SUBMISSION))
		return FAILURE_NOT_OFFERED;
	response->cache_control = profile->address ? "no-store" : "max-age=300";
	templates_render(site->templates, template, memory, template->view(memory, profile),
			 response);
	return FAILURE_NONE;
}

static const struct route outlook_routes[] = {
	{ "/autodiscover/autodiscover.xml", "GET, HEAD, POST", autodiscover_parse,
	  ROUTE_REDIRECT_SAME },
	{ 0 },
};

static const struct document_template *const outlook_templates[] = {
	&outlook_template,
	&outlook_redirect_template,
	&error_template,
	NULL,
};

const struct protocol protocol_outlook = {
	.name = "outlook",
	.routes = outlook_routes,
	.templates = outlook_templates,
	.preview = { "autodiscover", SCHEMAS "outlook/responseschema/2006a",
		     .takes_address = true },
	.tells_logins = true,
	.tells_moves = true,
	.render = outlook_render,
	.fail = fail_with_document,
};

static struct value mobilesync_view(struct arena *memory, const struct profile *profile)
{
	const struct endpoint *endpoint = profile_first(profile, SERVICE_ACTIVESYNC);

	return VALUE_MAP(memory, { "person", value_text(profile->person) },
			 { "address", address_view(profile) },
			 { "url", value_text(endpoint->url) });
}

static const struct document_template mobilesync_template = { "mobilesync.xml", mobilesync_view };
static const struct document_template mobilesync_redirect_template = { "mobilesync-redirect.xml",
								       redirect_view };

/* Only a provider that has an ActiveSync service answers: a client that is given an invented URL
 * stops looking for IMAP. */
static enum failure mobilesync_render(const struct site *site, struct arena *memory,
				      const struct profile *profile, struct response *response)
{
	const struct document_template *template = &mobilesync_template;

	if (profile->moved_address)
		template = &mobilesync_redirect_template;
	else if (profile->moved_url || !profile_first(profile, SERVICE_ACTIVESYNC))
		return FAILURE_NOT_OFFERED;
	response->cache_control = "no-store";
	templates_render(site->templates, template, memory, template->view(memory, profile),
			 response);
	return FAILURE_NONE;
}

static const struct document_template *const mobilesync_templates[] = {
	&mobilesync_template,
	&mobilesync_redirect_template,
	NULL,
};

/* The route is Outlook's. */
const struct protocol protocol_mobilesync = {
	.name = "mobilesync",
	.templates = mobilesync_templates,
	.preview = { "autodiscover", SCHEMAS "mobilesync/responseschema/2006",
		     .takes_address = true },
	.tells_logins = true,
	.tells_moves = true,
	.render = mobilesync_render,
	.fail = fail_with_document,
};
