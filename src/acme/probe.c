#include "acme/probe.h"

#include <time.h>

#include "acme/local-names.h"
#include "doctor/stream.h"
#include "doctor/host.h"
#include "doctor/http.h"
#include "tls/certificate.h"
#include "util/clock.h"
#include "util/socket-address.h"

/* Where CAs connect to (RFC 8555 8.3). */
#define HTTP_PORT 80
#define HTTPS_PORT 443

/* As many as Let's Encrypt follows. */
#define REDIRECTS_MAX 10

#define ANSWER_PATIENCE_MS 10000

/* The daemon reads a new file a moment after it was written. */
#define SERVED_PATIENCE_MS 10000
#define FIRST_PAUSE_MS 20
#define LAST_PAUSE_MS 320

/* What was found at an address. */
enum probe_result { FOUND_DAEMON, FOUND_OTHER_SERVER, FOUND_NOTHING };

/* Connects to a listener of this machine. Returns as stream_open(). */
static int connect_to_listener(const char *listen, int64_t deadline, struct stream **ret_stream,
			       struct error *err)
{
	struct sockaddr_storage address, ways[SOCKET_ADDRESS_WAYS_MAX];
	size_t count;
	int r = -1;

	if (socket_address_parse(listen, &address, err) < 0)
		return -1;
	count = socket_address_ways(&address, ways);
	for (size_t i = 0; i < count && r != 0; i++)
		r = stream_open((const struct sockaddr *)&ways[i], socket_address_length(&ways[i]),
				deadline, ret_stream, err);
	return r;
}

/* The CA compares without trailing whitespace (RFC 8555 8.3). */
static bool is_token(const struct probe *probe, const struct http_answer *answer)
{
	size_t length = strlen(probe->text);

	return answer->status == 200 && strncmp(answer->body, probe->text, length) == 0 &&
	       answer->body[length + strspn(answer->body + length, " \t\r\n")] == '\0';
}

/* Connects to where the request goes: for the name itself, to the address that is examined. */
static int connect_for_request(struct arena *memory, const struct probe *probe, const char *name,
			       const char *address, const struct http_request *request,
			       struct stream **ret_stream, struct error *err)
{
	const struct world world = { .silent = probe->silent };
	struct host host = { .name = name, .n_addresses = 1 };
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct peer ignored;

	host.addresses[0] = (struct host_address){ address, strchr(address, ':') };
	if (!text_equals(request->host, name))
		host = host_find(probe->resolver, memory, request->host);
	if (host.outcome == DNS_FAILED)
		return error_set(err, ERROR_SYSTEM, "cannot be looked up: %s", host.failure);
	if (host_connect(&world, &host, request->port, &stream, err) != 0)
		return -1;
	stream_set_patience(stream, ANSWER_PATIENCE_MS);
	if (request->is_tls && stream_start_tls(stream, probe->trust, request->host, TLS_OFFER_ALL,
						memory, &ignored, err) < 0)
		return -1;
	*ret_stream = TAKE(stream);
	return 0;
}

static int send_and_read(struct arena *memory, struct stream *stream,
			 const struct http_request *request, struct http_answer *ret_answer,
			 struct error *err)
{
	const char *text = arena_printf(memory,
					"GET %s HTTP/1.1\r\nHost: %s\r\n"
					"User-Agent: mailconfctl/" MAILCONFD_VERSION "\r\n"
					"Accept: */*\r\nConnection: close\r\n\r\n",
					request->target, request->host);

	if (stream_send(stream, text, strlen(text), err) < 0)
		return -1;
	return http_read(stream, memory, ret_answer, err);
}

static struct http_request request_of_token(struct arena *memory, const struct probe *probe,
					    const char *host, uint16_t port)
{
	return (struct http_request){
		.method = "GET",
		.host = host,
		.port = port,
		.target = arena_printf(memory, "/.well-known/acme-challenge/%s", probe->token),
	};
}

int probe_own_listener(struct arena *memory, const struct probe *probe, struct error *err)
{
	const struct http_request request = request_of_token(memory, probe, "localhost", HTTP_PORT);
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct http_answer answer;

	if (connect_to_listener(probe->listen, clock_now() + ANSWER_PATIENCE_MS, &stream, err) !=
	    0) {
		error_prefix(err, "cannot connect to the plain HTTP listener http://%s",
			     probe->listen);
		return error_hint(err, "start mailconfd, which serves the challenges there, or "
				       "restart it if the settings are newer");
	}
	if (send_and_read(memory, stream, &request, &answer, err) == 0 && is_token(probe, &answer))
		return 0;
	error_set(err, ERROR_SYSTEM, "http://%s does not return a challenge from [acme] directory",
		  probe->listen);
	return error_hint(err, "check that mailconfd listens there with the present settings, and "
			       "that its user can read the directory");
}

static enum probe_result request_token(struct arena *memory, const struct probe *probe,
				       const char *name, const char *address, uint16_t port,
				       const char **ret_detail)
{
	struct http_request request = request_of_token(memory, probe, name, port);
	const char *way = "";

	for (unsigned n_redirects = 0;; n_redirects++) {
		_cleanup_(stream_closep) struct stream *stream = NULL;
		struct http_answer answer;
		struct error err;

		if (connect_for_request(memory, probe, name, address, &request, &stream, &err) <
			    0 ||
		    send_and_read(memory, stream, &request, &answer, &err) < 0) {
			*ret_detail = arena_printf(memory, "%s%s", way, err.text);
			return err.kind == ERROR_SYSTEM ? FOUND_NOTHING : FOUND_OTHER_SERVER;
		}
		if (is_token(probe, &answer))
			return FOUND_DAEMON;
		/* CAs go to the ports of HTTP and HTTPS, without looking at the certificate,
		 * because the challenge is to get one. */
		if (n_redirects == REDIRECTS_MAX || !http_is_redirect(&answer) ||
		    !http_url_parse(memory, answer.location, &request, &request) ||
		    (request.port != HTTP_PORT && request.port != HTTPS_PORT)) {
			*ret_detail = arena_printf(memory, "%sHTTP %d", way, answer.status);
			return FOUND_OTHER_SERVER;
		}
		way = arena_printf(memory, "HTTP %d to %s: ", answer.status, request.host);
	}
}

/* A router may forward its port 80 to another port of this machine. */
static enum probe_result probe_address(struct arena *memory, const struct probe *probe,
				       const char *name, const char *address,
				       const char **ret_detail)
{
	enum probe_result finding = request_token(memory, probe, name, address, HTTP_PORT,
						  ret_detail);
	const char *colon = strrchr(probe->listen, ':'), *ignored;
	uint16_t port = HTTP_PORT;

	if (finding == FOUND_NOTHING && colon && port_parse(colon + 1, &port) &&
	    port != HTTP_PORT &&
	    request_token(memory, probe, name, address, port, &ignored) == FOUND_DAEMON)
		return FOUND_DAEMON;
	return finding;
}

void probe_place(struct arena *memory, const struct probe *probe, struct name_place *place)
{
	size_t n_daemon = 0;

	place->unreachable = NULL;
	for (size_t i = 0; i < place->addresses.count; i++) {
		const char *address = place->addresses.items[i], *detail = NULL;
		enum probe_result finding = probe_address(memory, probe, place->name, address,
							  &detail);

		if (finding == FOUND_OTHER_SERVER) {
			name_place_set_other_server(memory, place, address, detail);
			return;
		}
		if (finding == FOUND_DAEMON)
			n_daemon++;
		else if (!place->unreachable)
			place->unreachable = arena_printf(memory, "%s: %s", address, detail);
	}
	if (n_daemon > 0 && n_daemon == place->addresses.count)
		place->location = NAME_HERE;
}

int probe_wait_until_served(struct arena *memory, const char *listen, const struct trust *trust,
			    const struct certificate *certificate, struct error *err)
{
	const char *name = certificate->n_names ? certificate->names[0] : "localhost";
	const struct digest leaf = digest_of(certificate->chain[0].cert.data,
					     certificate->chain[0].cert.size);
	int64_t deadline = clock_now() + SERVED_PATIENCE_MS;
	long pause = FIRST_PAUSE_MS;

	/* A wildcard is served for any name below its parent. */
	if (*name == '*')
		name = arena_printf(memory, "any%s", name + 1);
	for (;; pause *= pause < LAST_PAUSE_MS ? 2 : 1) {
		const struct timespec time = { .tv_nsec = pause * 1000000 };
		_cleanup_(arena_clear) struct arena scratch = ARENA_NULL;
		_cleanup_(stream_closep) struct stream *stream = NULL;
		struct peer peer;

		if (connect_to_listener(listen, deadline, &stream, err) != 0)
			return error_prefix(err, "cannot connect to %s", listen);
		if (stream_start_tls(stream, trust, name, TLS_OFFER_ALL, &scratch, &peer, err) ==
		    0) {
			if (memcmp(&peer.leaf, &leaf, sizeof(leaf)) == 0)
				return 0;
			error_set(err, ERROR_TLS, "%s serves another certificate for %s", listen,
				  name);
		}
		if (clock_now() + pause >= deadline)
			return error_prefix(err, "after %d seconds", SERVED_PATIENCE_MS / 1000);
		stream_close(TAKE(stream));
		nanosleep(&time, NULL);
	}
}
