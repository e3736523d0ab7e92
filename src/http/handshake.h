#pragma once

/*
 * The gate: TLS handshakes that wait for their client, and the time that clients may take.
 *
 * libmicrohttpd keeps a connection on its list of ready ones while a handshake waits, and so spins
 * a processor for any client that falls silent after its ClientHello. Here a handshake that has
 * nothing to read is suspended, and its descriptor put into the worker's own epoll set; once it is
 * readable, the connection is resumed. Suspended connections know no timeout in libmicrohttpd, so
 * the deadline of handshakes is kept here as well. A handshake also waits here, unread, until the
 * certificates are loaded.
 *
 * libmicrohttpd's own timeout begins anew with each byte. A client that sends a request byte by
 * byte would hold its connection for days; so from the end of its handshake, or of its last
 * request, to the end of the next it has the idle timeout, however busy it is.
 */

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

#include "http/connection.h"
#include "http/sni.h"
#include "http/sockets.h"

struct certificates;
struct limit;
struct shares;
struct ticket_key;

/* Connections that have the same time for what they do, so that the oldest is due first. */
struct queue {
	struct connection *oldest, *newest;
	int64_t timeout; /* milliseconds */
};

/* One for each worker thread. */
struct gate {
	int epoll; /* borrowed from the worker; its entries point to struct connection */
	struct ticket_key *ticket_key;	    /* shared by all workers: tickets work at each */
	const struct client_suites *suites; /* likewise */
	struct certificates *certificates;  /* for new connections; borrowed, NULL until loaded */
	enum sni_policy sni_policy;
	const struct log_rules *log; /* of the worker */
	struct counters *counters;   /* the worker's */
	struct limit *limit;	     /* of all workers, or NULL */
	const char *trusted_proxies; /* networks that have no share on the port of proxies */
	struct queue handshakes;     /* not finished */
	struct queue requests;	     /* to come, or under way */
	size_t fresh;		     /* connections that have not made a request yet */
};

/* A client has connected to a port of that kind: the connection is watched from now on. Where its
 * network holds more than its share of the port's, the one that has waited longest is closed. */
struct connection *gate_admit(struct gate *gate, struct MHD_Connection *mhd, enum port_kind kind,
			      struct shares *shares);

/* The connection makes a request, or is answered, or waits for us: it has all of its time again. */
void gate_asked(struct connection *connection);
void gate_renew(struct connection *connection);

/* The connection is gone (or was refused): forgets and frees it. */
void gate_dismiss(struct connection *connection);

/* The descriptor of a held connection is readable. */
void gate_resume(struct connection *connection);

/* Says why a handshake fails, which is counted when the connection is gone: the first reason is the
 * true one. */
void gate_blame(struct connection *connection, enum handshake_failure failure);

/* New certificates, for connections to come and those that wait for the first ones. */
void gate_set_certificates(struct gate *gate, struct certificates *certificates);

/* Ends connections whose deadline has passed. */
void gate_expire(struct gate *gate, int64_t now);

/* Ends all handshakes. */
void gate_close(struct gate *gate);

/* When gate_expire() has something to do next; INT64_MAX for never. */
int64_t gate_next_deadline(const struct gate *gate);
