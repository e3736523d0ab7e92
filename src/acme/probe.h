#pragma once

/*
 * Requests to servers as a certificate authority (CA) or a client would make them: whether the
 * daemon of this machine answers challenges at its own listener and at the addresses of names, and
 * whether it serves a certificate. A web server that has the address of a name, such as one behind
 * a wildcard record, gives another response.
 */

#include "util/base.h"

struct certificate;
struct memo;
struct name_place;
struct resolver;
struct trust;

struct probe {
	const char *token, *text; /* of challenge_show() */
	const char *listen;	  /* the first of listen-http */
	struct memo *silent;	  /* "ADDRESS:PORT" that did not answer, for the whole run */
	struct resolver *resolver;
	const struct trust *trust;
};

/* Requests the token from the listener of this machine: a CA that gets no answer may refuse further
 * orders for hours. Returns 0, or -1 with err set. */
int probe_own_listener(struct arena *memory, const struct probe *probe, struct error *err);

/*
 * Requests the token at each address of the place, and follows redirects as CAs do (RFC 8555 8.3).
 * If another web server answers at one of the addresses, the place is NAME_ELSEWHERE. If the daemon
 * answers at all of them, it is NAME_HERE. An address that cannot be reached changes nothing,
 * because a router may not support hairpin NAT; place->unreachable says so.
 */
void probe_place(struct arena *memory, const struct probe *probe, struct name_place *place);

/* Waits until a TLS handshake at the listener, with the SNI of its first name, returns the
 * certificate: for some seconds at most, and not at all if nothing listens. Returns 0, or -1 with
 * err set to the reason why it is not served, or that cannot be seen from here. */
int probe_wait_until_served(struct arena *memory, const char *listen, const struct trust *trust,
			    const struct certificate *certificate, struct error *err);
