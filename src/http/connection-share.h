#pragma once

/*
 * How many connections each network holds at one port of a worker: an IPv4 address, or an IPv6 /48,
 * which is what a site gets (RFC 6177). One that holds more than its share loses the connection
 * that has waited longest, so that a flood from one network ends its own connections and nobody
 * else's.
 */

#include <stddef.h>

#include "util/cleanup.h"
#include "util/digest.h"
#include "util/network.h"

struct connection;
struct share;

/* A hash table: every so many networks have one chain. */
#define SHARES_CHAINS 1024

/* One for each port, because each port has a limit of connections of its own. */
struct shares {
	struct hash_key key;
	size_t max; /* connections of a network, 0 for any number */
	struct share *chains[SHARES_CHAINS];
};

struct shares *shares_new(void);
void shares_free(struct shares *shares); /* when no connection is left */
DEFINE_CLEANUP(struct shares *, shares_free);

/* The connection belongs to the network from now on, or no longer; it has nothing to do with any
 * where the client has no address (a unix socket). */
void share_join(struct shares *shares, struct connection *connection,
		const struct sockaddr *client);
void share_leave(struct connection *connection);

/* The connection has not waited longer than any other of its network. */
void share_renew(struct connection *connection);

/* The connection that has waited longest of the same network, where that holds more than its share;
 * else NULL. */
struct connection *share_surplus(const struct connection *connection);

/* The network of the connection; NULL where it has none. */
const struct client_network *share_network(const struct connection *connection);
