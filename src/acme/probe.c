#include "acme/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "acme/challenge.h"
#include "acme/ours.h"
#include "config/settings.h"
#include "doctor/host.h"
#include "doctor/http.h"
#include "doctor/wire.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/socket-address.h"

/* Where CAs connect to (RFC 8555 8.3). */
#define HTTP_PORT 80

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

int probe_begin(struct arena *memory, const char *directory, const struct words *listen_http,
		struct memo *silent, struct probe *ret_probe, struct error *err)
{
	struct probe probe = {
		.directory = directory,
		.port = port_of(listen_http->items[0]),
		.silent = silent,
	};

	if (challenge_show(memory, directory, &probe.token, &probe.text, err) < 0)
		return -1;
	*ret_probe = probe;
	return 0;
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

static enum finding ask(struct arena *memory, const struct probe *probe, const char *name,
			const char *address, uint16_t port, const char **ret_detail)
{
	const struct world world = { .silent = probe->silent };
	const struct host_address host = { .text = address, .is_ipv6 = strchr(address, ':') };
	const struct http_request request = { .method = "GET" };
	_cleanup_(wire_closep) struct wire *wire = NULL;
	struct http_answer answer;
	const char *text;
	struct error err;
	bool closes;

	text = arena_printf(memory,
			    "GET /.well-known/acme-challenge/%s HTTP/1.1\r\nHost: %s\r\n"
			    "User-Agent: mailconfctl/" MAILCONFD_VERSION "\r\n"
			    "Accept: */*\r\nConnection: close\r\n\r\n",
			    probe->token, name);
	if (host_connect_address(&world, &host, port, &wire, &err) != 0) {
		*ret_detail = arena_strdup(memory, err.text);
		return FOUND_NOTHING;
	}
	wire_set_deadline(wire, clock_now() + ANSWER_PATIENCE);
	if (wire_send(wire, text, strlen(text), &err) < 0 ||
	    http_read(wire, memory, &request, &answer, &closes, &err) < 0) {
		*ret_detail = arena_strdup(memory, err.text);
		return err.kind == ERROR_INPUT ? FOUND_STRANGER : FOUND_NOTHING;
	}
	if (is_token(probe, &answer))
		return FOUND_OURS;
	*ret_detail = arena_printf(memory, "HTTP %d", answer.status);
	return FOUND_STRANGER;
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
