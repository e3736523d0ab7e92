#include <stdio.h>
#include <string.h>

#include "dns/resolver.h"
#include "doctor/check.h"
#include "doctor/stream.h"
#include "doctor/mail-dialogue.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/error.h"

/* Where a redirect of a DAV service may lead on to. */
#define REDIRECTS_MAX 5

#define OWN_NAME "mailconfctl.invalid"

static const char *place_of(struct check *check)
{
	const struct endpoint *endpoint = &check->endpoint;

	if (endpoint->url)
		return say(check, "%s at %s", service_kind_name(endpoint->kind), endpoint->url);
	return say(check, "%s at %s:%u", service_kind_name(endpoint->kind), endpoint->host,
		   endpoint->port);
}

static const char *see_server(struct check *check)
{
	return say(check,
		   "see that the server runs there, or announce another one: 'service add' and "
		   "'service remove'");
}

static bool has_any(const char *words, const char *const *wanted)
{
	for (; *wanted; wanted++)
		if (strstr(words, *wanted))
			return true;
	return false;
}

/* Whether the mechanisms of SASL, or the schemes of HTTP, have what the authentication needs. */
static bool is_offered(enum authentication authentication, const char *mechanisms)
{
	static const char *const words[AUTHENTICATIONS][6] = {
		[AUTHENTICATION_PASSWORD_CLEARTEXT] = { " PLAIN ", " LOGIN ", " BASIC " },
		[AUTHENTICATION_PASSWORD_ENCRYPTED] = { " CRAM-MD5 ", " DIGEST", " SCRAM-" },
		[AUTHENTICATION_OAUTH2] = { " XOAUTH2 ", " OAUTHBEARER ", " BEARER " },
		[AUTHENTICATION_GSSAPI] = { " GSSAPI ", " NEGOTIATE " },
		[AUTHENTICATION_NTLM] = { " NTLM " },
		[AUTHENTICATION_TLS_CLIENT_CERT] = { " EXTERNAL " },
	};

	return !words[authentication][0] || has_any(mechanisms, words[authentication]);
}

static const char *trimmed(struct check *check, const char *words)
{
	size_t length;

	words += strspn(words, " ");
	length = strlen(words);
	while (length > 0 && words[length - 1] == ' ')
		length--;
	return length ? arena_strndup(&check->memory, words, length) : "none";
}

/* Says which of the announced ways are missing. Returns whether none is. */
static bool check_authentications(struct check *check, const char *place, const char *mechanisms)
{
	const struct endpoint *endpoint = &check->endpoint;
	bool is_good = true;

	for (size_t i = 0; i < endpoint->n_authentications; i++) {
		enum authentication authentication = endpoint->authentications[i];
		const char *name = authentication_name(authentication);

		if (is_offered(authentication, mechanisms))
			continue;
		is_good = false;
		report(check, FINDING_AUTHENTICATION_MISSING,
		       say(check, "%s offers %s", place, trimmed(check, mechanisms)),
		       say(check, "%s, which clients are told", name),
		       say(check,
			   "turn %s on at the server, or announce what it has: 'service add ... "
			   "--auth'",
			   name));
	}
	return is_good;
}

static int check_tls(struct check *check, struct stream *stream, const char *place, bool *is_good)
{
	struct error err;
	struct peer peer;

	if (stream_start_tls(stream, check->world->trust, check->endpoint.host, TLS_OFFER_ALL,
			     &check->memory, &peer, &err) < 0) {
		report(check, FINDING_HANDSHAKE_FAILED, say(check, "%s: %s", place, err.text),
		       say(check, "TLS with a certificate for %s", check->endpoint.host),
		       say(check,
			   "see that the server speaks TLS 1.2 or 1.3 there, or announce the "
			   "service as it is"));
		return -1;
	}
	*is_good = peer_is_good(&peer);
	report_peer(check, check->endpoint.host, place, &peer);
	return 0;
}

static int report_protocol(struct check *check, const char *place, const struct error *err)
{
	report(check, FINDING_SERVICE_PROTOCOL, say(check, "%s: %s", place, err->text),
	       say(check, "the protocol of %s", service_kind_name(check->endpoint.kind)),
	       see_server(check));
	return -1;
}

static int begin_starttls(struct check *check, struct dialogue *dialogue, const char *place,
			  bool *is_good)
{
	enum service_kind kind = check->endpoint.kind;
	const char *word = kind == SERVICE_POP3 ? " STLS " : " STARTTLS ";
	struct error err;

	if (dialogue_greet(dialogue, kind, &err) < 0 ||
	    dialogue_capabilities(dialogue, kind, &err) < 0)
		return report_protocol(check, place, &err);
	if (!strstr(dialogue->extensions, word) || dialogue_starttls(dialogue, kind, &err) < 0) {
		report(check, FINDING_STARTTLS_MISSING,
		       say(check, "%s does not offer STARTTLS", place),
		       "STARTTLS, which clients are told",
		       "turn STARTTLS on at the server, or announce the service that it has");
		return -1;
	}
	if (check_tls(check, dialogue->stream, place, is_good) < 0)
		return -1;
	return dialogue_resume(dialogue, kind, &err) < 0 ? report_protocol(check, place, &err) : 0;
}

static int begin(struct check *check, struct dialogue *dialogue, const char *place, bool *is_good)
{
	enum service_kind kind = check->endpoint.kind;
	struct error err;

	if (check->endpoint.security == SECURITY_STARTTLS)
		return begin_starttls(check, dialogue, place, is_good);
	if (check->endpoint.security == SECURITY_TLS &&
	    check_tls(check, dialogue->stream, place, is_good) < 0)
		return -1;
	return dialogue_greet(dialogue, kind, &err) < 0 ? report_protocol(check, place, &err) : 0;
}

/* A, PTR and the name that the server gives itself should agree: others judge its mail by them. */
static void check_submission_names(struct check *check, struct resolver *resolver,
				   const char *address, const char *name, const char *place)
{
	struct dns_question question = { resolver_reverse_name(&check->memory, address), DNS_PTR };
	bool is_reverse = false, is_forward = false;
	const char *reverse = "no PTR record";
	struct host host;

	resolver_ask(resolver, &check->memory, &question, 1);
	for (size_t i = 0; i < question.answer.count; i++) {
		reverse = question.answer.records[i].text;
		is_reverse = is_reverse || text_equals(reverse, name);
	}
	host_find(resolver, &check->memory, name, &host);
	for (size_t i = 0; i < host.n_addresses; i++)
		is_forward = is_forward || text_equals(host.addresses[i].text, address);
	if ((is_reverse && is_forward) || host.failure || question.answer.failure)
		return;
	report(check, FINDING_SUBMISSION_NAMES,
	       say(check, "%s: %s has %s, the server calls itself %s, and that has %s", place,
		   address, reverse, name, host_addresses(&check->memory, &host)),
	       "address, PTR record and the server's own name agree",
	       say(check, "give %s a PTR record with the name that the server gives itself",
		   address));
}

static void run_dialogue(struct check *check, struct resolver *resolver, struct stream *stream,
			 const struct host_address *address, const char *place)
{
	struct dialogue dialogue = { .stream = stream,
				     .memory = &check->memory,
				     .own_name = OWN_NAME };
	enum service_kind kind = check->endpoint.kind;
	bool is_good = true;
	struct error err;

	stream_set_deadline(stream, clock_now() + 2 * HOST_PATIENCE);
	if (begin(check, &dialogue, place, &is_good) < 0)
		return;
	if (dialogue_capabilities(&dialogue, kind, &err) < 0) {
		(void)report_protocol(check, place, &err);
		return;
	}
	if (check_authentications(check, place, dialogue.mechanisms) && is_good)
		report(check, FINDING_SERVICE, say(check, "%s works as announced", place), NULL,
		       NULL);
	if (kind == SERVICE_SUBMISSION && dialogue.name)
		check_submission_names(check, resolver, address->text, dialogue.name, place);
}

/* Talks to the first address that answers; the others are only knocked at. */
static void try_addresses(struct check *check, struct resolver *resolver, const struct host *host,
			  const char *place)
{
	const char *failure = NULL;
	bool has_talked = false, failed_ipv6 = false;

	for (size_t i = 0; i < host->n_addresses; i++) {
		const struct host_address *address = &host->addresses[i];
		_cleanup_(stream_closep) struct stream *stream = NULL;
		struct error err;
		int r = host_connect_address(check->world, address, check->endpoint.port, &stream,
					     &err);

		if (r == 0 && !has_talked) {
			has_talked = true;
			run_dialogue(check, resolver, stream, address, place);
		} else if (r != 0 && r != STREAM_NO_ROUTE) {
			failure = say(check, "%s, address %s: %s", place, address->text, err.text);
			failed_ipv6 = address->is_ipv6;
		} else if (r == STREAM_NO_ROUTE && host->n_addresses == 1) {
			failure = say(check, "%s: %s", place, err.text);
		}
	}
	if (failure && has_talked)
		report(check, failed_ipv6 ? FINDING_UNREACHABLE_IPV6 : FINDING_UNREACHABLE_IPV4,
		       failure, "all addresses take connections",
		       say(check,
			   "see that the server listens there, or take the address of %s "
			   "out of DNS",
			   host->name));
	else if (failure)
		report(check, FINDING_SERVICE_UNREACHABLE, failure, "it takes connections",
		       see_server(check));
}

static void report_lookup(struct check *check, const struct host *host, const char *place)
{
	if (host->failure)
		report(check, FINDING_RESOLVER_FAILED,
		       say(check, "asking for the addresses of %s: %s", host->name, host->failure),
		       "an answer",
		       say(check, "see whether the name servers of %s answer", host->name));
	else
		report(check, FINDING_SERVICE_UNREACHABLE,
		       say(check, "%s: %s has no address", place, host->name),
		       say(check, "%s has an A or AAAA record", host->name),
		       say(check, "give %s an A or AAAA record", host->name));
}

/* "Basic realm=..., Bearer" as " BASIC REALM=... BEARER ". */
static const char *schemes_of(struct check *check, const char *authenticate)
{
	struct bytes words = BYTES_IN(&check->memory);

	bytes_add_char(&words, ' ');
	for (; *authenticate; authenticate++)
		bytes_add_char(&words, *authenticate == ',' ? ' '
				       : *authenticate >= 'a' && *authenticate <= 'z'
					       ? (char)(*authenticate - 'a' + 'A')
					       : *authenticate);
	bytes_add_char(&words, ' ');
	return bytes_text(&words);
}

/* What a client asks first, without saying who it is. */
static struct http_request first_request(const struct check *check)
{
	switch (check->endpoint.kind) {
	case SERVICE_CALDAV:
	case SERVICE_CARDDAV:
	case SERVICE_WEBDAV:
		return (struct http_request){ .method = "PROPFIND", .field = "Depth: 0" };
	case SERVICE_ACTIVESYNC:
		return (struct http_request){ .method = "OPTIONS" };
	default:
		return (struct http_request){ .method = "GET" };
	}
}

static bool ask_with_redirects(struct check *check, struct browser *browser,
			       struct http_answer *answer)
{
	const struct http_request first = first_request(check);
	struct http_request request;
	const char *url = check->endpoint.url;

	for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
		const struct http_request base = hop ? request : first;

		if (!http_url_parse(&check->memory, url, &base, &request))
			return false;
		request.method = first.method;
		request.field = first.field;
		browser_ask(browser, &check->memory, &request, false, answer);
		if (answer->status < 300 || answer->status > 399 || !*answer->location)
			return true;
		url = answer->location;
	}
	return false;
}

/* Whatever the service: who does not say who he is gets 401, and is told how to say it. */
static void check_http_service(struct check *check, struct resolver *resolver, const char *place)
{
	_cleanup_(browser_freep) struct browser *browser = browser_new(check->world, resolver);
	struct http_answer answer;

	if (!ask_with_redirects(check, browser, &answer)) {
		report(check, FINDING_SERVICE_PROTOCOL, say(check, "%s leads nowhere", place),
		       "status 401", see_server(check));
		return;
	}
	if (answer.has_peer)
		report_peer(check, check->endpoint.host, place, &answer.peer);
	if (answer.status == 0)
		report(check, FINDING_SERVICE_UNREACHABLE,
		       say(check, "%s: %s", place, answer.failure), "it answers",
		       see_server(check));
	else if (answer.status != 401 || !*answer.authenticate)
		report(check, FINDING_SERVICE_PROTOCOL,
		       say(check, "%s answers %s with status %d%s", place,
			   first_request(check).method, answer.status,
			   answer.status == 401 ? " and no WWW-Authenticate" : ""),
		       "status 401 with WWW-Authenticate, so that clients say who they are",
		       say(check, "see that the path is right, or announce another: 'service add' "
				  "and 'service remove'"));
	else if (check_authentications(check, place, schemes_of(check, answer.authenticate)) &&
		 peer_is_good(&answer.peer))
		report(check, FINDING_SERVICE, say(check, "%s works as announced", place), NULL,
		       NULL);
}

void check_service(struct check *check, struct resolver *resolver)
{
	const char *place = place_of(check);
	struct host host;

	if (check->endpoint.url) {
		check_http_service(check, resolver, place);
		return;
	}
	host_find(resolver, &check->memory, check->endpoint.host, &host);
	if (host.failure || host.n_addresses == 0)
		report_lookup(check, &host, place);
	if (host.n_addresses)
		try_addresses(check, resolver, &host, place);
}
