#include "acme/served.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "config/settings.h"
#include "doctor/connection.h"
#include "tls/certificate.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/socket-address.h"

#define PATIENCE_MS 10000
#define FIRST_PAUSE_MS 20
#define LAST_PAUSE_MS 320

/* A wildcard is served for any name below its parent. */
static const char *name_to_ask(struct arena *memory, const struct certificate *certificate)
{
	const char *name = certificate->n_names ? certificate->names[0] : "localhost";

	return name[0] == '*' ? arena_printf(memory, "any%s", name + 1) : name;
}

static void pause_ms(unsigned milliseconds)
{
	const struct timespec pause = { .tv_nsec = (long)milliseconds * 1000000L };

	nanosleep(&pause, NULL);
}

/* Returns as wire_open(). */
static int connect_to(const char *listen, int64_t deadline, struct wire **ret_wire,
		      struct error *err)
{
	struct sockaddr_storage address, ways[SOCKET_ADDRESS_WAYS_MAX];
	socklen_t length;
	size_t count;
	int r = -1;

	if (socket_address_parse(listen, &address, &length, err) < 0)
		return -1;
	count = socket_address_ways(&address, ways);
	for (size_t i = 0; i < count && r != 0; i++)
		r = wire_open((const struct sockaddr *)&ways[i], socket_address_length(&ways[i]),
			      deadline, ret_wire, err);
	return r;
}

/* Returns 1 where it is served, 0 where not yet, or -1 with err set where nothing listens. In both
 * other cases err says what was seen. */
static int look(const char *listen, const struct trust *trust, const char *name,
		const struct digest *leaf, int64_t deadline, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(wire_closep) struct wire *wire = NULL;
	struct peer peer;

	if (connect_to(listen, deadline, &wire, err) != 0)
		return error_prefix(err, "cannot connect to %s", listen);
	if (wire_secure(wire, trust, name, TLS_OFFER_ALL, &memory, &peer, err) < 0)
		return 0;
	if (memcmp(&peer.leaf, leaf, sizeof(*leaf)) == 0)
		return 1;
	error_set(err, ERROR_TLS, "%s serves another certificate for %s", listen, name);
	return 0;
}

int served_wait(struct arena *memory, const struct words *listen_https, const struct trust *trust,
		const struct certificate *certificate, struct error *err)
{
	const char *name = name_to_ask(memory, certificate);
	const struct digest leaf = digest_of(certificate->chain[0].cert.data,
					     certificate->chain[0].cert.size);
	int64_t deadline = clock_now() + PATIENCE_MS;
	unsigned pause = FIRST_PAUSE_MS;

	if (!listen_https->count) {
		error_set(err, ERROR_CONFIG, "[server] listen-https is empty");
		return SERVED_UNSEEN;
	}
	for (;;) {
		int r = look(listen_https->items[0], trust, name, &leaf, deadline, err);

		if (r > 0)
			return 0;
		if (r < 0)
			return SERVED_UNSEEN;
		if (clock_now() + pause >= deadline)
			break;
		pause_ms(pause);
		if (pause < LAST_PAUSE_MS)
			pause *= 2;
	}
	error_prefix(err, "after %d seconds", PATIENCE_MS / 1000);
	return SERVED_UNSEEN;
}
