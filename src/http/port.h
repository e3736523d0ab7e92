#pragma once

/*
 * A port: one listening socket of a worker, with the libmicrohttpd daemon that accepts its
 * connections, and what that calls back.
 */

#include "http/request-handler.h"
#include "http/sockets.h"
#include "util/base.h"

struct MHD_Daemon;
struct connections;
struct lingering;
struct shares;

/* Of the worker, all borrowed. */
struct port_resources {
	struct connections *connections;
	struct exchanges *exchanges;
	struct lingering *lingering;
	const char *priorities;	  /* of GnuTLS */
	unsigned connections_max; /* for this port */
	unsigned idle_timeout;	  /* of a connection, in seconds */
};

struct port {
	struct port_resources resources;
	struct MHD_Daemon *daemon;
	struct exchange_port exchanges;
	struct shares *shares; /* of its connections */
	unsigned connections;  /* after its last run */
};

/* Takes over the socket, also where it fails. Returns 0, or -1 with err set. */
int port_open(const struct port_resources *resources, int fd, enum port_kind kind,
	      struct port **ret_port, struct error *err);

/* Ends its connections, and frees it. NULL is accepted. */
void port_close(struct port *port);

/* Sets how much of its connections one network may hold: 1 to 100 per cent. */
void port_set_share(struct port *port, unsigned percent);

/* Processes pending events, without waiting. */
void port_run(struct port *port);
