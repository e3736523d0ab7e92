#pragma once

/*
 * Whether the daemon of this machine answers at the addresses of a name, as a certificate authority
 * (CA) will see it: a token of our own is requested there over port 80. A web server that has the
 * address, such as one behind a wildcard record, gives another response.
 */

#include <stdint.h>

struct arena;
struct error;
struct memo;
struct name_place;
struct resolver;
struct trust;
struct words;

struct probe {
	const char *directory; /* of challenges */
	struct memo *silent;   /* "ADDRESS:PORT" of which no answer came; for the whole run */
	struct resolver *resolver;
	const struct trust *trust;

	/* Filled in. */
	uint16_t port; /* of listen-http */
	const char *token, *text;
};

/* Shows a token until probe_end(). listen_http is that of the settings and not empty. Returns 0, or
 * -1 with err set. */
int probe_begin(struct arena *memory, const struct words *listen_http, struct probe *probe,
		struct error *err);
void probe_end(const struct probe *probe);

/*
 * Requests the token at each address of the place, and follows redirects as CAs do (RFC 8555 8.3).
 * If another web server answers at one of the addresses, the place is ELSEWHERE. If the daemon
 * answers at all of them, it is HERE. An address that cannot be reached changes nothing, because a
 * router may not loop connections back to its own outer address; place->unseen says so.
 */
void probe_place(struct arena *memory, const struct probe *probe, struct name_place *place);
