/* mailconfctl preview: what a mail client would get, through the same code as the daemon. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "config/settings.h"
#include "http/answer.h"
#include "mail/address.h"
#include "mail/match.h"
#include "mail/profile.h"
#include "mail/query.h"
#include "protocol/protocol.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "template/template.h"
#include "template/value.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/idna.h"
#include "util/network.h"
#include "util/own-name.h"
#include "util/similar.h"

/* What is asked about: an address as typed, or only a domain. */
struct subject {
	const char *address; /* NULL for "@example.org" */
	const char *domain;
};

/* The requests of the clients, made so that the parsers see what they would see from the network.
 */
struct client {
	const char *name;
	const char *host_prefix;
	const char *schema; /* of an Autodiscover request; NULL where path is asked for */
	const char *path;
	const char *argument;		  /* follows the path, and is followed by the address */
	bool takes_address, takes_domain; /* what it can ask about */
	bool takes_protocol;		  /* it asks for one thing of several */
	bool has_digest;		  /* the document's belongs in DNS */
	bool has_public_name;		  /* the document has ours */
};

#define SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"

static const struct client clients[] = {
	{ "outlook", "autodiscover", SCHEMAS "outlook/responseschema/2006a",
	  .takes_address = true },
	{ "mobilesync", "autodiscover", SCHEMAS "mobilesync/responseschema/2006",
	  .takes_address = true },
	{ "autoconfig", "autoconfig", .path = "/mail/config-v1.1.xml",
	  .argument = "?emailaddress=", .takes_address = true, .takes_domain = true },
	{ "mobileconfig", "autoconfig", .path = "/mobileconfig",
	  .argument = "?emailaddress=", .takes_address = true },
	{ "autodiscover-v2", "autodiscover", .path = "/autodiscover/autodiscover.json",
	  .argument = "?Email=", .takes_address = true, .takes_protocol = true,
	  .has_public_name = true },
	{ "pacc", "ua-auto-config", .path = "/.well-known/user-agent-configuration.json",
	  .takes_domain = true, .has_digest = true },
};

static const char autodiscover_source[] =
	"<Autodiscover><Request><EMailAddress>{{address}}</EMailAddress>"
	"<AcceptableResponseSchema>{{schema}}</AcceptableResponseSchema></Request></Autodiscover>";

static int autodiscover_request(struct cli *cli, const struct client *client,
				const struct subject *subject, struct request *request,
				struct error *err)
{
	const struct field fields[] = {
		{ "address", value_text(subject->address) },
		{ "schema", value_text(client->schema) },
	};
	const struct value view = value_map(fields, sizeof(fields) / sizeof(*fields));
	_cleanup_(template_freep) struct template *template = NULL;
	struct bytes body = BYTES_IN(cli->memory);

	if (template_parse("request", autodiscover_source, strlen(autodiscover_source), &template,
			   err) < 0)
		return -1;
	template_expand(template, &view, &body);
	request->method = "POST";
	request->target = "/autodiscover/autodiscover.xml";
	request->body = bytes_text(&body);
	request->body_size = body.size;
	return 0;
}

static void get_request(struct cli *cli, const struct arguments *arguments,
			const struct client *client, const struct subject *subject,
			struct request *request)
{
	const char *protocol = option_value(arguments, "protocol");

	request->method = "GET";
	request->target = client->path;
	if (subject->address)
		request->target = arena_printf(cli->memory, "%s%s%s", client->path,
					       client->argument,
					       percent_encode(cli->memory, subject->address));
	if (client->takes_protocol)
		request->target = arena_printf(cli->memory, "%s&Protocol=%s", request->target,
					       protocol ? protocol : "AutodiscoverV1");
}

static int subject_parse(struct cli *cli, const struct arguments *arguments,
			 const struct client *client, struct subject *ret_subject,
			 struct error *err)
{
	const char *text = arguments->words[1];
	struct address address;

	if (text[0] == '@') {
		if (!client->takes_domain)
			return usage_error(cli->memory, arguments->command, err,
					   "%s always asks with an address; give one, or preview "
					   "autoconfig %s",
					   client->name, text);
		ret_subject->address = NULL;
		ret_subject->domain = domain_parse(cli->memory, text + 1, false, err);
		return ret_subject->domain ? 0 : -1;
	}
	if (!client->takes_address)
		return usage_error(cli->memory, arguments->command, err,
				   "%s is asked of a domain, not of an address; write @DOMAIN",
				   client->name);
	if (address_parse(cli->memory, text, &address, err) < 0)
		return -1;
	*ret_subject = (struct subject){ address.typed, address.domain };
	return 0;
}

static int host_of(struct cli *cli, const struct arguments *arguments, const struct client *client,
		   const struct subject *subject, const char **ret_host, struct error *err)
{
	const char *host = option_value(arguments, "host");

	if (!host) {
		*ret_host = arena_printf(cli->memory, "%s.%s", client->host_prefix,
					 subject->domain);
		return 0;
	}
	*ret_host = idna_to_ascii(cli->memory, host);
	if (!*ret_host)
		return error_set(err, ERROR_INPUT, "'%s' is not a host name", host);
	return 0;
}

static void explain(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Apart from the document, which may be piped on. */
static void explain(struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fprintf(stderr, "%s\n",
		      text_escape(cli->memory, arena_vprintf(cli->memory, format, args)));
	va_end(args);
}

/* Nothing matched: looks for the row that stood in the way. */
static int explain_nothing(struct cli *cli, const struct query *query, struct error *err)
{
	const char *domain = query->domain ? query->domain : query->host;
	struct domain row;
	int r;

	if (!query->domain && host_domains(query->host).stripped)
		domain = host_domains(query->host).stripped;
	r = store_serving_domain(cli->store, cli->memory, domain, &row, err);
	if (r == STORE_NOT_FOUND)
		explain(cli,
			"domain: nothing here serves '%s': neither a domain of that name, nor "
			"a pattern that covers it",
			domain);
	else if (r != 0)
		return -1;
	else if (!row.is_enabled)
		explain(cli, "domain: '%s' is disabled, which ends the search", row.name);
	else if (row.alias_of)
		explain(cli, "domain: '%s' is an alias of '%s', which is disabled", row.name,
			row.alias_of);
	else
		explain(cli,
			"domain: '%s' answers only where the host asked, '%s', is of the same "
			"domain as the address",
			row.name, query->host);
	return 0;
}

static void explain_domain(struct cli *cli, const struct query *query, const struct match *match)
{
	if (match->is_host && query->domain)
		explain(cli,
			"domain: '%s' is not served here, so '%s' decides, of the host '%s' "
			"that was asked",
			query->domain, match->domain, query->host);
	else if (match->is_host)
		explain(cli, "domain: '%s', of the host '%s' that was asked", match->domain,
			query->host);
	else
		explain(cli, "domain: '%s', of the address", match->domain);
	if (strcmp(match->row, match->domain) != 0)
		explain(cli, "pattern: '%s' covers it", match->row);
	if (match->alias_of)
		explain(cli, "alias: it shares the provider and the users of '%s'",
			match->alias_of);
	explain(cli, "provider: '%s'%s", match->provider.name,
		match->has_own_provider ? ", which the user has instead of the domain's" : "");
}

/* Nothing else keeps a row back here: nobody counts how many were asked for, and no login can be
 * spoiled for Evolution, whose MD5 is not sent. */
static const char *why_no_row(struct cli *cli, const struct match *match)
{
	return match->is_kept_back ? arena_printf(cli->memory,
						  "the row of user '%s' is not for this client "
						  "(--send-logins-to)",
						  match->user.address)
				   : "no row fits";
}

static void explain_login(struct cli *cli, const struct query *query, const struct match *match)
{
	const struct provider *provider = &match->provider;

	if (!query->address)
		explain(cli, "login: no address was given, so the pattern '%s' goes out",
			provider->login);
	else if (match->has_user)
		explain(cli, "login: '%s', from the row of user '%s'", match->user.login,
			match->user.address);
	else
		explain(cli, "login: '%s', from the provider's pattern '%s', for %s",
			login_of(cli->memory, query->address, match), provider->login,
			why_no_row(cli, match));
	for (size_t i = 0; i < provider->n_services; i++)
		if (provider->services[i].login)
			explain(cli, "service: %s makes of it '%s'",
				service_url(cli->memory, &provider->services[i]),
				provider->services[i].login);
}

/* The provider would rather say nothing. */
static void explain_silence(struct cli *cli, const struct query *query, const struct match *match)
{
	explain(cli, "login: none, for %s and provider '%s' has --%s refuse",
		why_no_row(cli, match), match->provider.name,
		query->address ? "unknown-users" : "without-address");
}

static void explain_move(struct cli *cli, const struct response *response)
{
	const char *target = move_target(cli->memory, response->query, response->match);
	bool is_told = strcmp(response->protocol, "outlook") == 0 ||
		       strcmp(response->protocol, "mobilesync") == 0;

	if (target)
		explain(cli, "moved: to '%s'%s", target,
			is_told ? "" : ", which this document cannot say");
}

static int explain_response(struct cli *cli, const struct response *response, struct error *err)
{
	if (!response->query)
		return 0;
	if (!response->match)
		return explain_nothing(cli, response->query, err);
	explain_domain(cli, response->query, response->match);
	if (strcmp(response->outcome, failure_name(FAILURE_UNKNOWN_DOMAIN)) == 0) {
		explain_silence(cli, response->query, response->match);
		return 0;
	}
	explain_login(cli, response->query, response->match);
	explain_move(cli, response);
	return 0;
}

/* The record that clients look for at _ua-auto-config.DOMAIN. */
static void explain_digest(struct cli *cli, const struct response *response)
{
	const struct digest digest = digest_of(response->body, response->size);

	explain(cli, "v=UAAC1; a=sha256; d=%s", digest_base64(cli->memory, &digest));
}

static int client_find(struct cli *cli, const struct arguments *arguments,
		       const struct client **ret_client, struct error *err)
{
	struct nearest nearest = NEAREST_TO(arguments->words[0]);

	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++) {
		if (text_equals(clients[i].name, arguments->words[0])) {
			*ret_client = &clients[i];
			return 0;
		}
		nearest_try(&nearest, clients[i].name);
	}
	if (nearest.found)
		return error_set(err, ERROR_USAGE, "'%s' is no document; did you mean '%s'?",
				 arguments->words[0], nearest.found);
	return usage_error(cli->memory, arguments->command, err,
			   "'%s' is no document; there are outlook, mobilesync, autoconfig, "
			   "mobileconfig, autodiscover-v2 and pacc",
			   arguments->words[0]);
}

static int client_address(struct cli *cli, const struct arguments *arguments,
			  const struct sockaddr **ret_address, struct error *err)
{
	const char *text = option_value(arguments, "from");

	*ret_address = NULL;
	if (!text)
		return 0;
	*ret_address = ip_address_parse(cli->memory, text);
	if (!*ret_address)
		return error_set(err, ERROR_INPUT,
				 "'%s' is not an IP address such as 192.0.2.1 or 2001:db8::1",
				 text);
	return 0;
}

static int make_request(struct cli *cli, const struct arguments *arguments,
			const struct client *client, struct request *request, struct error *err)
{
	struct subject subject = { 0 };

	if (option_is_given(arguments, "protocol") && !client->takes_protocol)
		return usage_error(cli->memory, arguments->command, err,
				   "--protocol goes with autodiscover-v2 only");
	if (subject_parse(cli, arguments, client, &subject, err) < 0 ||
	    host_of(cli, arguments, client, &subject, &request->host, err) < 0 ||
	    client_address(cli, arguments, &request->client, err) < 0)
		return -1;
	if (client->schema)
		return autodiscover_request(cli, client, &subject, request, err);
	get_request(cli, arguments, client, &subject, request);
	return 0;
}

/* Where the settings have none the daemon takes the host's own, and so do we. */
static const char *public_name(struct cli *cli, const struct client *client)
{
	const char *name = cli->settings->server.public_name, *own;

	if (*name || !client->has_public_name)
		return name;
	own = own_name(cli->memory);
	return own ? own : name;
}

/* Its exact bytes, but that what a person reads ends its line. */
static void print_body(const struct response *response)
{
	bool is_ended = response->size == 0 || response->body[response->size - 1] == '\n';

	(void)fwrite(response->body, 1, response->size, stdout);
	if (!is_ended && isatty(STDOUT_FILENO))
		(void)putchar('\n');
	(void)fflush(stdout);
}

static int preview(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	_cleanup_(templates_unrefp) struct templates *templates = NULL;
	const struct client *client = NULL;
	struct request request = { 0 };
	struct response response;
	struct context context;
	int r;

	if (client_find(cli, arguments, &client, err) < 0 ||
	    make_request(cli, arguments, client, &request, err) < 0 ||
	    templates_load(cli->settings->templates.directory, &templates, err) < 0)
		return -1;
	context = (struct context){
		.store = cli->store,
		.site = { templates, public_name(cli, client) },
	};
	r = answer(&context, cli->memory, &request, &response, err);
	print_body(&response);
	if (r != 0)
		return -1;
	if (client->has_digest && !response.is_refusal)
		explain_digest(cli, &response);
	if (option_is_given(arguments, "explain") && explain_response(cli, &response, err) < 0)
		return -1;
	if (response.is_refusal)
		return error_set(err, ERROR_INPUT, "the client is refused: %s%s", response.outcome,
				 option_is_given(arguments, "explain") ? ""
								       : "; --explain says more");
	return 0;
}

static const struct option options[] = {
	{ "host", "HOST", "the host that is asked (autoconfig.DOMAIN or its like)" },
	{ "from", "IP", "the client's address (one that is told everything)" },
	{ "protocol", "AutodiscoverV1|ActiveSync",
	  "what autodiscover-v2 asks for (AutodiscoverV1)" },
	{ "explain", NULL, "say on standard error which row, pattern or wildcard decided" },
	{ 0 },
};

static const struct command command_preview = {
	.family = "preview",
	.arguments = "outlook|mobilesync|autoconfig|mobileconfig|autodiscover-v2|pacc "
		     "ADDRESS|@DOMAIN",
	.min = 2,
	.max = 2,
	.summary = "Show the document that a mail client would get",
	.details =
		"The document goes to standard output, made by the same code as in the daemon. "
		"@DOMAIN is a\n"
		"question without an address, as some clients ask autoconfig. A refusal is shown\n"
		"too, and the exit status is 1. mobileconfig is the profile for Apple's devices,\n"
		"as it is before it is signed. With pacc, the record for DNS goes to standard "
		"error.",
	.example = "mailconfctl preview outlook first.last@example.org --from 192.0.2.1\n"
		   "mailconfctl preview autoconfig @example.org --explain",
	.options = { options },
	.database = DATABASE_READ,
	.run = preview,
};

static const struct command *const commands[] = { &command_preview, NULL };

const struct family family_preview = {
	.name = "preview",
	.title = "What clients get",
	.commands = commands,
};
