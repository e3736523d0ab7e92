/* A service is tried as it is announced: with its security and its authentications. */

#include "dns/resolver.h"
#include "doctor/check.h"
#include "doctor/client-document.h"
#include "doctor/mail-dialogue.h"
#include "doctor/stream.h"

#define REDIRECTS_MAX 5

#define SERVER_FIX                                                                     \
	"make sure that the server runs there, or announce another one with 'service " \
	"add' and 'service remove'"

/* Whether the mechanisms of SASL, or the schemes of HTTP, include the authentication. */
static bool is_offered(enum authentication authentication, const char *mechanisms)
{
	static const char *const words[AUTHENTICATIONS][3] = {
		[AUTHENTICATION_PASSWORD_CLEARTEXT] = { " PLAIN ", " LOGIN ", " BASIC " },
		[AUTHENTICATION_PASSWORD_ENCRYPTED] = { " CRAM-MD5 ", " DIGEST", " SCRAM-" },
		[AUTHENTICATION_OAUTH2] = { " XOAUTH2 ", " OAUTHBEARER ", " BEARER " },
		[AUTHENTICATION_GSSAPI] = { " GSSAPI ", " NEGOTIATE " },
		[AUTHENTICATION_NTLM] = { " NTLM " },
		[AUTHENTICATION_TLS_CLIENT_CERT] = { " EXTERNAL " },
	};

	for (size_t i = 0; i < 3; i++)
		if (words[authentication][i] && strstr(mechanisms, words[authentication][i]))
			return true;
	return !words[authentication][0];
}

/* Reports the announced authentications that are missing; if there are none, that the service
 * works. */
static void check_authentications(struct check *check, const char *place, const char *mechanisms,
				  bool has_valid_certificate)
{
	const struct endpoint *endpoint = &check->endpoint;
	const char *words = text_trim(&check->memory, mechanisms);
	bool are_offered = true;

	for (size_t i = 0; i < endpoint->n_authentications; i++) {
		const char *name = authentication_name(endpoint->authentications[i]);

		if (is_offered(endpoint->authentications[i], mechanisms))
			continue;
		are_offered = false;
		check_report(check, FINDING_AUTHENTICATION_MISSING,
			     "%s offers %s\n"
			     "%s, which the documents tell clients to use\n"
			     "enable %s at the server, or announce what it offers: 'service add "
			     "... --auth'",
			     place, *words ? words : "no authentication", name, name);
	}
	if (are_offered && has_valid_certificate)
		check_report(check, FINDING_SERVICE, "%s works as announced", place);
}

static void report_protocol(struct check *check, const char *place, const struct error *err)
{
	check_report(check, FINDING_SERVICE_PROTOCOL,
		     "%s: %s\n"
		     "a server for %s\n" SERVER_FIX,
		     place, err->text, service_kind_name(check->endpoint.kind));
}

/* Receivers judge mail by whether the address, its PTR record and the server's name agree. */
static void check_submission_names(struct check *check, const char *address, const char *name,
				   const char *place)
{
	struct dns_question question = { resolver_reverse_name(&check->memory, address), DNS_PTR };
	const struct host host = host_find(check->resolver, &check->memory, name);
	bool is_reverse = false, is_forward = false;
	const char *reverse = "missing";

	resolver_ask(check->resolver, &check->memory, &question, 1);
	for (size_t i = 0; i < question.answer.count; i++) {
		reverse = question.answer.records[i].text;
		is_reverse |= text_equals(reverse, name);
	}
	for (size_t i = 0; i < host.n_addresses; i++)
		is_forward |= text_equals(host.addresses[i].text, address);
	if ((is_reverse && is_forward) || host.failure || question.answer.failure)
		return;
	check_report(check, FINDING_SUBMISSION_NAMES,
		     "%s: the PTR record of %s is %s, the server calls itself %s, which has %s\n"
		     "the address, its PTR record and the server's own name match\n"
		     "set the PTR record of %s to the server's own name",
		     place, address, reverse, name, host_addresses(&check->memory, &host), address);
}

static void run_dialogue(struct check *check, struct stream *stream, const char *address,
			 const char *place)
{
	enum service_security security = check->endpoint.security;
	struct dialogue dialogue = { stream, &check->memory, check->endpoint.kind };
	bool is_starttls = security == SECURITY_STARTTLS;
	struct peer peer = { 0 };
	struct error err;

	stream_set_patience(stream, 2 * HOST_PATIENCE);
	if (is_starttls) {
		if (dialogue_greet(&dialogue, &err) < 0 ||
		    dialogue_capabilities(&dialogue, &err) < 0) {
			report_protocol(check, place, &err);
			return;
		}
		if (!strstr(bytes_text(&dialogue.extensions),
			    dialogue.kind == SERVICE_POP3 ? " STLS " : " STARTTLS ") ||
		    dialogue_starttls(&dialogue, &err) < 0) {
			check_report(check, FINDING_STARTTLS_MISSING,
				     "%s does not offer STARTTLS\n"
				     "STARTTLS, which the documents tell clients to use\n"
				     "enable STARTTLS at the server, or announce the service that "
				     "it offers",
				     place);
			return;
		}
	}
	if (security != SECURITY_PLAIN &&
	    check_tls(check, stream, check->endpoint.host, place,
		      "make sure that the server supports TLS 1.2 or 1.3 there, or announce the "
		      "service with another security",
		      &peer) < 0)
		return;
	if ((is_starttls ? dialogue_resume : dialogue_greet)(&dialogue, &err) < 0 ||
	    dialogue_capabilities(&dialogue, &err) < 0) {
		report_protocol(check, place, &err);
		return;
	}
	check_authentications(check, place, bytes_text(&dialogue.mechanisms),
			      security == SECURITY_PLAIN || peer_is_good(&peer));
	if (dialogue.kind == SERVICE_SUBMISSION && dialogue.name)
		check_submission_names(check, address, dialogue.name, place);
}

/* A mail server: only the first address that accepts is examined further. */
static void check_mail_service(struct check *check)
{
	const struct endpoint *endpoint = &check->endpoint;
	const struct host host = host_find(check->resolver, &check->memory, endpoint->host);
	const char *failure = NULL,
		   *place = check_format(check, "%s at %s:%u", service_kind_name(endpoint->kind),
					 endpoint->host, endpoint->port);
	bool is_reached = false, failed_ipv6 = false;

	if (host.failure)
		check_report_failed_lookup(check, host.name, ADDRESS_TYPES, host.failure);
	else if (host.n_addresses == 0)
		check_report(check, FINDING_SERVICE_UNREACHABLE,
			     "%s: %s has no address\n"
			     "%s has an A or AAAA record\n"
			     "add an A or AAAA record for %s",
			     place, host.name, host.name, host.name);
	for (size_t i = 0; i < host.n_addresses; i++) {
		const struct host_address *address = &host.addresses[i];
		_cleanup_(stream_closep) struct stream *stream = NULL;
		struct error err;
		int r = host_connect_address(check->world, address, endpoint->port, &stream, &err);

		if (r == 0 && !is_reached) {
			is_reached = true;
			run_dialogue(check, stream, address->text, place);
		} else if (r != 0 && (r != STREAM_NO_ROUTE || host.n_addresses == 1)) {
			failure = check_format(check, "%s, address %s: %s", place, address->text,
					       err.text);
			failed_ipv6 = address->is_ipv6;
		}
	}
	if (failure && is_reached)
		check_report(check,
			     failed_ipv6 ? FINDING_UNREACHABLE_IPV6 : FINDING_UNREACHABLE_IPV4,
			     "%s\n"
			     "all addresses accept connections\n"
			     "make sure that the server listens there, or remove the address of %s "
			     "from DNS",
			     failure, host.name);
	else if (failure)
		check_report(check, FINDING_SERVICE_UNREACHABLE,
			     "%s\n"
			     "it accepts connections\n" SERVER_FIX,
			     failure);
}

/* Any HTTP service must answer a request without credentials with 401 and how to log in. */
static void check_http_service(struct check *check)
{
	_cleanup_(browser_freep) struct browser *browser = browser_new(
		check->world, check->resolver, &check->memory);
	enum service_kind kind = check->endpoint.kind;
	const char *url = check->endpoint.url;
	const char *place = check_format(check, "%s at %s", service_kind_name(kind), url);
	/* What clients send first, without credentials. */
	bool is_dav = kind == SERVICE_CALDAV || kind == SERVICE_CARDDAV || kind == SERVICE_WEBDAV;
	const char *field = is_dav ? "Depth: 0" : NULL;
	const char *method = is_dav ? "PROPFIND" : kind == SERVICE_ACTIVESYNC ? "OPTIONS" : "GET";
	struct http_answer answer = { .status = 302, .location = url };
	struct http_request request = { .host = "" };
	char *schemes;

	for (int hop = 0; hop <= REDIRECTS_MAX && http_is_redirect(&answer); hop++) {
		if (!http_url_parse(&check->memory, answer.location, &request, &request))
			break;
		request.method = method;
		request.field = field;
		answer = browser_ask(browser, &request, false);
	}
	if (http_is_redirect(&answer)) {
		check_report(check, FINDING_SERVICE_PROTOCOL,
			     "%s redirects too often, or to an invalid URL\n"
			     "status 401\n" SERVER_FIX,
			     place);
		return;
	}
	if (answer.has_peer)
		check_peer(check, check->endpoint.host, place, &answer.peer);
	if (answer.status == 0)
		check_report(check, FINDING_SERVICE_UNREACHABLE,
			     "%s: %s\n"
			     "an HTTP response\n" SERVER_FIX,
			     place, answer.failure);
	else if (answer.status != 401 || !*answer.authenticate)
		check_report(check, FINDING_SERVICE_PROTOCOL,
			     "%s responds to %s with status %d%s\n"
			     "status 401 with WWW-Authenticate, so that clients log in\n"
			     "make sure that the path is right, or announce another one with "
			     "'service add' and 'service remove'",
			     place, method, answer.status,
			     answer.status == 401 ? " without WWW-Authenticate" : "");
	else {
		/* "Basic realm=..., Bearer" as " BASIC REALM=... BEARER ". */
		schemes = arena_printf(&check->memory, " %s ", answer.authenticate);
		for (char *c = schemes; *c; c++)
			*c = *c == ',' ? ' ' : char_upper(*c);
		check_authentications(check, place, schemes, peer_is_good(&answer.peer));
	}
}

void check_announced_service(struct check *check)
{
	(check->endpoint.url ? check_http_service : check_mail_service)(check);
}
