#pragma once

/*
 * What we know of one connection beside libmicrohttpd: its request under way, and where it is TLS
 * the certificate set that it began with and its place among the handshakes that are not finished.
 */

#include <stdbool.h>
#include <stdint.h>
#include <gnutls/gnutls.h>

#include "http/intake.h"
#include "observe/access-log.h"
#include "observe/counters.h"
#include "tls/client-hello.h"

struct MHD_Connection;
struct certificates;
struct exchange;
struct gate;
struct queue;
struct share;

struct connection {
	struct MHD_Connection *mhd;
	struct gate *gate;
	int fd;
	struct exchange *exchange; /* under way, or NULL */
	bool is_fresh;		   /* it has not made a request yet */
	unsigned trace;		   /* its number in the trace, 0: it is not traced */
	bool must_linger;	   /* answered before its request was read */

	struct queue *queue;		  /* the one it is in */
	int64_t deadline;		  /* there, in milliseconds of clock_now() */
	struct connection *older, *newer; /* there */

	struct share *share;		     /* of its network, or NULL where it does not count */
	struct connection *longer, *shorter; /* there: those that wait longer and shorter */

	gnutls_session_t session; /* NULL: it is not TLS, and nothing below is used */

	/* Pinned: a reload does not touch a handshake under way. NULL while none are loaded. */
	struct certificates *certificates;

	struct client_hello client; /* what its ClientHello says of keys */
	struct intake intake;

	/* Once the handshake is finished. */
	enum tls_version tls_version;
	bool is_resumed;

	enum handshake_failure failure; /* if it fails: why */
	bool has_failure;		/* unless that is what GnuTLS finds wrong */

	bool is_handshaking;
	bool is_charged; /* to the rate limit, once for all its ClientHellos */
	bool is_prepaid; /* that pays for the first request too, which is still to come */
	bool is_held;	 /* suspended until its descriptor is readable, or certificates are there */
	bool is_polled;
};
