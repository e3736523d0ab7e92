#pragma once

/*
 * Whether the daemon of this machine serves a certificate. It reads new files a moment after they
 * were written; what runs next may need the certificate at once. The daemon is asked as clients ask
 * it: with a TLS handshake at its own listener, by SNI.
 */

#include <stddef.h>

struct arena;
struct certificate;
struct error;
struct trust;
struct words;

/* Expected outcome: it is not served, or that cannot be seen from here. */
enum { SERVED_UNSEEN = 1 };

/* Waits until the listener shows the certificate for the first of its names, for some seconds at
 * most, and not at all where nothing listens. listen_https is that of the settings. Returns 0, or
 * SERVED_UNSEEN with err set to the reason. */
int served_wait(struct arena *memory, const struct words *listen_https, const struct trust *trust,
		const struct certificate *certificate, struct error *err);
