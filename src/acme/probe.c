#include "acme/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "acme/challenge.h"
#include "acme/local-names.h"
#include "config/settings.h"
#include "doctor/connection.h"
#include "doctor/host.h"
#include "doctor/http.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/socket-address.h"

/* Where CAs connect to (RFC 8555 8.3). */
#define HTTP_PORT 80
#define HTTPS_PORT 443

/* As many as Let's Encrypt follows. */
#define REDIRECTS_MAX 10

#define ANSWER_PATIENCE 10000

/* What was found at an address. */
enum finding { FOUND_OURS, FOUND_STRANGER, FOUND_NOTHING };

static uint16_t port_of(const char *listen)
{
	struct sockaddr_storage address;
	socklen_t length;
	struct error err;

	if (socket_address_parse(listen, &address, &length, &err) < 0)
		return HTTP_PORT;
	return ntohs(address.ss_family == AF_INET
			     ? ((const struct sockaddr_in *)&address)->sin_port
			     : ((const struct sockaddr_in6 *)&address)->sin6_port);
}

int probe_begin(struct arena *memory, const struct words *listen_http, struct probe *probe,
		struct error *err)
{
	probe->port = port_of(listen_http->items[0]);
	return challenge_show(memory, probe->directory, &probe->token, &probe->text, err);
}

void probe_end(const struct probe *probe)
{
	challenge_hide(probe->directory, probe->token);
}

/* The CA compares without trailing whitespace (RFC 8555 8.3). */
static bool is_token(const struct probe *probe, const struct http_answer *answer)
{
	size_t length = strlen(probe->text);

	return answer->status == 200 && strncmp(answer->body, probe->text, length) == 0 &&
	       answer->body[length + strspn(answer->body + length, " \t\r\n")] == '\0';
}

/* Connects to where the request goes: for the name itself, to the address that is examined. */
static int open_wire(struct arena *memory, const struct probe *probe, const char *name,
		     const char *address, const struct http_request *request,
		     struct wire **ret_wire, struct error *err)
{
	const struct world world = { .silent = probe->silent };
	struct host host = { .name = name, .n_addresses = 1 };
	_cleanup_(wire_closep) struct wire *wire = NULL;
	struct peer ignored;

	host.addresses[0] = (struct host_address){ address, strchr(address, ':') };
	if (!text_equals(request->host, name))
		host_find(probe->resolver, memory, request->host, &host);
	if (host.outcome == DNS_FAILED)
		return error_set(err, ERROR_SYSTEM, "cannot be looked up: %s", host.failure);
	if (host_connect(&world, &host, request->port, &wire, err) != 0)
		return -1;
	wire_set_deadline(wire, clock_now() + ANSWER_PATIENCE);
	if (request->is_tls && wire_secure(wire, probe->trust, request->host, TLS_OFFER_ALL, memory,
					   &ignored, err) < 0)
		return -1;
	*ret_wire = TAKE(wire);
	return 0;
}

static int get(struct arena *memory, const struct probe *probe, const char *name,
	       const char *address, const struct http_request *request,
	       struct http_answer *ret_answer, struct error *err)
{
	_cleanup_(wire_closep) struct wire *wire = NULL;
	const char *text;
	bool closes;

	text = arena_printf(memory,
			    "GET %s HTTP/1.1\r\nHost: %s\r\n"
			    "User-Agent: mailconfctl/" MAILCONFD_VERSION "\r\n"
			    "Accept: */*\r\nConnection: close\r\n\r\n",
			    request->target, request->host);
	if (open_wire(memory, probe, name, address, request, &wire, err) < 0 ||
	    wire_send(wire, text, strlen(text), err) < 0)
		return -1;
	return http_read(wire, memory, request, ret_answer, &closes, err);
}

/* Whether the answer redirects to where CAs go: to the ports of HTTP and HTTPS, without looking at
 * the certificate, because the challenge is to get one. */
static bool follow(struct arena *memory, const struct http_answer *answer,
		   struct http_request *request)
{
	switch (answer->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return http_url_parse(memory, answer->location, request, request) &&
		       (request->port == HTTP_PORT || request->port == HTTPS_PORT);
	default:
		return false;
	}
}

static enum finding ask(struct arena *memory, const struct probe *probe, const char *name,
			const char *address, uint16_t port, const char **ret_detail)
{
	struct http_request request = {
		.method = "GET",
		.host = name,
		.port = port,
		.target = arena_printf(memory, "/.well-known/acme-challenge/%s", probe->token),
	};
	const char *way = "";

	for (unsigned n_redirects = 0;; n_redirects++) {
		struct http_answer answer;
		struct error err;

		if (get(memory, probe, name, address, &request, &answer, &err) < 0) {
			*ret_detail = arena_printf(memory, "%s%s", way, err.text);
			return err.kind == ERROR_SYSTEM ? FOUND_NOTHING : FOUND_STRANGER;
		}
		if (is_token(probe, &answer))
			return FOUND_OURS;
		if (n_redirects == REDIRECTS_MAX || !follow(memory, &answer, &request)) {
			*ret_detail = arena_printf(memory, "%sHTTP %d", way, answer.status);
			return FOUND_STRANGER;
		}
		way = arena_printf(memory, "HTTP %d to %s: ", answer.status, request.host);
	}
}

/* A router may forward its port 80 to another one of ours. */
static enum finding ask_both(struct arena *memory, const struct probe *probe, const char *name,
			     const char *address, const char **ret_detail)
{
	enum finding finding = ask(memory, probe, name, address, HTTP_PORT, ret_detail);
	const char *ignored;

	if (finding == FOUND_NOTHING && probe->port != HTTP_PORT &&
	    ask(memory, probe, name, address, probe->port, &ignored) == FOUND_OURS)
		return FOUND_OURS;
	return finding;
}

void probe_place(struct arena *memory, const struct probe *probe, struct name_place *place)
{
	size_t n_ours = 0;

	place->unseen = NULL;
	for (size_t i = 0; i < place->n_addresses; i++) {
		const char *address = place->addresses[i], *detail = NULL;
		enum finding finding = ask_both(memory, probe, place->name, address, &detail);

		if (finding == FOUND_STRANGER) {
			ours_note_stranger(memory, place, address, detail);
			return;
		}
		if (finding == FOUND_OURS)
			n_ours++;
		else if (!place->unseen)
			place->unseen = arena_printf(memory, "%s: %s", address, detail);
	}
	if (n_ours > 0 && n_ours == place->n_addresses)
		place->where = HERE;
}
