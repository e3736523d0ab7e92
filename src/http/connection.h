#pragma once

/*
 * The connections of a worker, beside what libmicrohttpd knows of them, and the time that clients
 * may take. libmicrohttpd's own timeout begins again with each byte. A client that sends a request
 * byte by byte would hold its connection for days. So from the end of its TLS handshake, or of its
 * last request, to the end of the next it has the idle timeout, however busy it is.
 *
 * A suspended connection has no timeout in libmicrohttpd, but it has this one.
 */

#include <gnutls/gnutls.h>
#include <sys/queue.h>

#include "http/intake.h"
#include "http/serving.h"
#include "http/sockets.h"
#include "observe/counters.h"
#include "tls/client-hello.h"
#include "util/base.h"
#include "util/digest.h"

struct MHD_Connection;
struct exchange;
struct client_suites;
struct connections;
struct client_limits;
struct share;
struct ticket_key;

/* Connections that have the same time for what they do, so that the oldest is due first. */
struct queue {
	TAILQ_HEAD(, connection) connections;
	int64_t timeout; /* milliseconds */
};

/*
 * How many connections each network holds at one listening socket of a worker: an IPv4 address, or
 * an IPv6 /48, which is what a site gets (RFC 6177). One that holds more than its share loses the
 * connection that has waited longest, so that a flood from one network ends only its own
 * connections.
 */
#define SHARES_CHAINS 1024
struct shares {
	struct hash_key key;		     /* random */
	size_t max;			     /* connections of a network, 0 for any number */
	struct share *chains[SHARES_CHAINS]; /* a hash table */
};

struct connection {
	struct MHD_Connection *mhd;
	struct connections *all; /* of the worker */
	enum socket_kind kind;	 /* of the listening socket */
	int fd;
	struct exchange *exchange; /* under way, or NULL */
	bool is_fresh;		   /* it has not made a request yet */
	unsigned trace;		   /* its number in the trace, 0: it is not traced */
	bool must_linger;	   /* answered before its request was read */

	struct queue *queue;	       /* the one it is in */
	TAILQ_ENTRY(connection) place; /* there */
	int64_t deadline;	       /* there, in milliseconds of clock_now() */

	struct share *share; /* of its network, NULL where it does not count */
	TAILQ_ENTRY(connection) share_place;

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

/* One for each worker thread. */
struct connections {
	int epoll; /* borrowed from the worker; its entries point to struct connection */
	const struct serving *serving;	    /* of the worker */
	struct ticket_key *ticket_key;	    /* shared by all workers: tickets work at each */
	const struct client_suites *suites; /* likewise */
	struct counters *counters;	    /* the worker's */
	struct client_limits *limits;	    /* of all workers, or NULL */
	struct queue handshakes;	    /* not finished */
	struct queue requests;		    /* to come, or under way */
	size_t fresh;			    /* connections that have not made a request yet */
};

/* A client has connected to a listener of that kind: the connection is watched from now on. Where
 * its network holds more than its share of the listener's connections, the one that has waited
 * longest is closed. */
struct connection *connection_open(struct connections *all, struct MHD_Connection *mhd,
				   enum socket_kind kind, struct shares *shares);

/* The connection waits in the queue from now on, which may be the one it is in, and has all of its
 * time again. */
void connection_queue(struct connection *connection, struct queue *queue);

/* It makes a request, or is answered, or waits for us: it has all of its time again. */
void connection_start_request(struct connection *connection);
void connection_renew(struct connection *connection);

/* The connection is gone (or was refused): forgets and frees it. */
void connection_close(struct connection *connection);

/* Suspends the connection until its descriptor is readable, or until connection_resume(). May be
 * called by GnuTLS inside MHD_run(). */
void connection_suspend(struct connection *connection, bool until_readable);
void connection_resume(struct connection *connection);

/* Says why a handshake fails, which is counted when the connection is gone: the first reason is the
 * true one. */
void connection_blame(struct connection *connection, enum handshake_failure failure);

/* There are certificates now: resumes the connections that wait for the first ones. */
void connections_use_certificates(struct connections *all);

/* Ends connections whose deadline has passed. */
void connections_expire(struct connections *all, int64_t now);

/* Ends all handshakes. */
void connections_end_handshakes(struct connections *all);

/* Whether the connection was ended here; libmicrohttpd has not closed it yet. */
bool connection_is_ended(const struct connection *connection);

const struct sockaddr *connection_client(const struct connection *connection);

/* When connections_expire() has something to do next; INT64_MAX for never. */
int64_t connections_next_deadline(const struct connections *all);
