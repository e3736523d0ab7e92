/* mailconfctl preview: what a mail client would get, through the same code as the daemon. */

#include <jansson.h>
#include <unistd.h>

#include "admin/admin.h"
#include "answer/answer.h"
#include "cli/command.h"
#include "cli/commands/explain.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/print.h"
#include "config/settings.h"
#include "doctor/preview-client.h"
#include "http/mhd.h"
#include "mail/address.h"
#include "mail/profile.h"
#include "mail/query.h"
#include "protocol/protocol.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "util/base.h"
#include "util/did-you-mean.h"
#include "util/digest.h"
#include "util/idna.h"
#include "util/network.h"

static int find_document(struct admin *admin, const struct arguments *arguments,
			 const struct protocol **ret_document, struct error *err)
{
	struct nearest nearest = NEAREST_TO(arguments->words[0]);

	for (size_t i = 0; i < PROTOCOLS; i++) {
		if (!all_protocols[i]->preview.host_prefix)
			continue;
		if (text_equals(all_protocols[i]->name, arguments->words[0])) {
			*ret_document = all_protocols[i];
			return 0;
		}
		nearest_try(&nearest, all_protocols[i]->name);
	}
	if (nearest.found) {
		error_set(err, ERROR_USAGE, "'%s' is not a document", arguments->words[0]);
		return error_hint(err, "did you mean '%s'?", nearest.found);
	}
	return usage_error(
		arguments, err,
		"'%s' is not a document; the documents are outlook, mobilesync, autoconfig, "
		"mobileconfig, autodiscover-v2 and pacc",
		arguments->words[0]);
}

/* The query is about an address as typed, or with "@example.org" only about a domain. */
static int make_request(struct admin *admin, const struct arguments *arguments,
			const struct protocol *document, struct request *request, struct error *err)
{
	const char *protocol = option_value(arguments, "protocol");
	const char *host = option_value(arguments, "host"), *from = option_value(arguments, "from");
	const char *text = arguments->words[1];
	bool is_domain = text[0] == '@';
	struct address address = { 0 };

	if (protocol && !document->preview.takes_protocol)
		return usage_error(arguments, err, "--protocol goes with autodiscover-v2 only");
	if (is_domain && !document->preview.takes_domain) {
		usage_error(arguments, err, "%s always asks with an address", document->name);
		return error_hint(err, "give one, or preview autoconfig %s", text);
	}
	if (!is_domain && !document->preview.takes_address && !option_is_given(arguments, "as")) {
		usage_error(arguments, err, "%s is asked of a domain, not of an address",
			    document->name);
		return error_hint(err, "write @DOMAIN");
	}
	if (is_domain)
		address.domain = domain_parse(admin->memory, text + 1, false, err);
	if (is_domain ? !address.domain : address_parse(admin->memory, text, &address, err) < 0)
		return -1;

	request->host = host ? idna_to_ascii(admin->memory, host)
			     : arena_printf(admin->memory, "%s.%s", document->preview.host_prefix,
					    address.domain);
	if (!request->host)
		return error_set(err, ERROR_INPUT, "'%s' is not a host name", host);
	if (from) {
		request->client = ip_address_parse(admin->memory, from);
		if (!request->client)
			return error_set(
				err, ERROR_INPUT,
				"'%s' is not an IP address such as 192.0.2.1 or 2001:db8::1", from);
	}
	if (document->preview.schema) {
		request->method = "POST";
		request->target = protocol_outlook.routes->path;
		request->body = autodiscover_request_body(admin->memory, document, address.typed);
		request->body_size = strlen(request->body);
		return 0;
	}
	request->method = "GET";
	request->target = document->routes->path;
	if (address.typed && document->preview.argument)
		request->target = arena_printf(admin->memory, "%s%s%s", request->target,
					       document->preview.argument,
					       percent_encode(admin->memory, address.typed));
	if (document->preview.takes_protocol)
		request->target = arena_printf(admin->memory, "%s&Protocol=%s", request->target,
					       protocol ? protocol : "AutodiscoverV1");
	return 0;
}

/* What there is to show, in the order of showing. Nothing but the response is always there. */
struct preview {
	const struct protocol *document;
	struct response response;
	const char *head;	 /* with --headers */
	const char *explanation; /* lines, with --explain */
	const char *conclusion;	 /* with --as */
	const char *record;	 /* for DNS */
};

/* All but the document goes to standard error, because the document may be piped. Of that its exact
 * bytes are printed, but what a person reads ends its line. */
static void print_for_people(struct admin *admin, const struct preview *preview)
{
	const struct response *response = &preview->response;

	if (preview->head)
		fputs(preview->head, stdout);
	(void)fwrite(response->body, 1, response->size, stdout);
	if (response->size && response->body[response->size - 1] != '\n' && isatty(STDOUT_FILENO))
		putchar('\n');
	fflush(stdout);
	if (preview->record && !print_is_quiet())
		fprintf(stderr, "%s\n", preview->record);
	if (preview->explanation)
		fputs(preview->explanation, stderr);
	if (preview->conclusion)
		fprintf(stderr, "%s\n", text_escape(admin->memory, preview->conclusion));
}

/* Lines, whose ends are "\n" or "\r\n", as an array; empty ones are left out. */
static json_t *lines_of(struct admin *admin, const char *text)
{
	char *rest = arena_strdup(admin->memory, text), *line;
	json_t *lines = json_array();

	while ((line = strsep(&rest, "\r\n")))
		if (*line)
			array_add(lines, json_string(line));
	return lines;
}

static void print_json(struct admin *admin, const struct preview *preview)
{
	const struct response *response = &preview->response;
	json_t *entry = entry_of_texts("document", preview->document->name, "outcome",
				       response->outcome);

	entry_put(entry, "status", json_integer(response->status));
	if (preview->head)
		entry_put(entry, "head", lines_of(admin, preview->head));
	entry_put_text(entry, "body", arena_strndup(admin->memory, response->body, response->size));
	entry_put_text(entry, "record", preview->record);
	if (preview->explanation)
		entry_put(entry, "explanation", lines_of(admin, preview->explanation));
	entry_put_text(entry, "conclusion", preview->conclusion);
	entry_print(entry, true);
}

/* What the options request in addition to the document. */
static int gather(struct admin *admin, const struct arguments *arguments, struct preview *preview,
		  bool is_answered, struct error *err)
{
	struct bytes head = BYTES_IN(admin->memory), explanation = BYTES_IN(admin->memory);
	struct digest digest;

	if (option_is_given(arguments, "headers")) {
		mhd_response_head(&preview->response, &head);
		preview->head = bytes_text(&head);
	}
	if (is_answered && option_is_given(arguments, "explain")) {
		if (explain_response(admin, &preview->response, &explanation, err) < 0)
			return -1;
		preview->explanation = bytes_text(&explanation);
	}
	/* The record that clients look for at _ua-auto-config.DOMAIN. */
	if (preview->document->preview.has_digest && !preview->response.is_refusal) {
		digest = digest_of(preview->response.body, preview->response.size);
		preview->record = arena_printf(admin->memory, "v=UAAC1; a=sha256; d=%s",
					       digest_base64(admin->memory, &digest));
	}
	return 0;
}

/* Asks as the client of --as does, and lets it read the answer. */
static int ask_as(struct admin *admin, const struct arguments *arguments,
		  const struct context *context, const struct request *request,
		  struct preview *preview, struct error *err)
{
	struct client_preview as = {
		.client = option_value(arguments, "as"),
		.document = preview->document->name,
		.address = arguments->words[1],
		.host = option_is_given(arguments, "host") ? request->host : NULL,
		.from = request->client,
	};
	const char *why = client_preview_check(admin->memory, &as);
	int r;

	if (why)
		return usage_error(arguments, err, "%s", why);
	if (option_is_given(arguments, "protocol"))
		return usage_error(arguments, err,
				   "either --protocol or --as, whose client asks by its own rules");
	if (as.address[0] == '@')
		return usage_error(arguments, err,
				   "--as needs an address, though the client may keep it to "
				   "itself");
	r = client_preview_make(context, admin->memory, &as, err);
	preview->response = as.response;
	preview->conclusion = as.settings;
	return r;
}

static int ask(struct admin *admin, const struct arguments *arguments, struct preview *preview,
	       struct error *err)
{
	_cleanup_(templates_unrefp) struct templates *templates = NULL;
	struct request request = { 0 };
	struct context context;

	if (find_document(admin, arguments, &preview->document, err) < 0 ||
	    make_request(admin, arguments, preview->document, &request, err) < 0)
		return -1;
	templates = admin_templates(admin);
	context = (struct context){
		.store = admin->store,
		.site = { templates, preview->document->preview.has_public_name
					     ? admin_public_name(admin)
					     : "" },
	};
	return option_is_given(arguments, "as")
		       ? ask_as(admin, arguments, &context, &request, preview, err)
		       : answer(&context, admin->memory, &request, &preview->response, err);
}

static int preview(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct preview preview = { 0 };
	const char *disabled;
	int r = ask(admin, arguments, &preview, err);

	/* What a client gets where the database fails is shown too. */
	if (!preview.response.body || gather(admin, arguments, &preview, r == 0, err) < 0)
		return -1;
	if (arguments->is_json)
		print_json(admin, &preview);
	else
		print_for_people(admin, &preview);
	if (r != 0 || !preview.response.is_refusal)
		return r;
	if (explain_disabled(admin, &preview.response, &disabled, err) < 0)
		return -1;
	error_set(err, ERROR_INPUT, "the client is refused: %s%s%s", preview.response.outcome,
		  disabled ? ": domain " : "", disabled ? disabled : "");
	return disabled || preview.explanation ? -1 : error_hint(err, "--explain says more");
}

static const struct option options[] = {
	{ "host", "HOST", "host name of the request (default: autoconfig.DOMAIN or similar)" },
	{ "from", "IP", "the client's address (default: one that gets all logins)" },
	{ "protocol", "AutodiscoverV1|ActiveSync",
	  "protocol requested by autodiscover-v2 (default: AutodiscoverV1)" },
	{ "as", PREVIEW_CLIENTS,
	  "send the requests of this client, and print the settings that it would use" },
	{ "headers", NULL, "print the HTTP status line and header fields, too" },
	{ "explain", NULL, "print to standard error which row, pattern or wildcard was used" },
	{ 0 },
};

const struct command command_preview = {
	.name = "preview",
	.arguments = "outlook|mobilesync|autoconfig|mobileconfig|autodiscover-v2|pacc "
		     "ADDRESS|@DOMAIN",
	.summary = "Show the document that a mail client would get",
	.details = "Prints the document that the daemon would send, using the same code. With "
		   "@DOMAIN the\n"
		   "request has no address, as in some requests for autoconfig. An error is "
		   "printed too,\n"
		   "and the exit status is 1. mobileconfig is the profile for Apple devices, "
		   "without its\n"
		   "signature. With pacc, the DNS record is printed to standard error. --as "
		   "requires an\n"
		   "ADDRESS, and a document that the client requests.",
	.example = "mailconfctl preview outlook first.last@example.org --from 192.0.2.1\n"
		   "mailconfctl preview mobileconfig first.last@example.org --headers\n"
		   "mailconfctl preview autoconfig first.last@example.org --as geary\n"
		   "mailconfctl preview mobilesync first.last@example.org --as activesync\n"
		   "mailconfctl preview autoconfig @example.org --explain",
	.options = { options },
	.database = DATABASE_READ,
	.run = preview,
};
