#pragma once

/*
 * How many connections each network holds at one listener of a worker: an IPv4 address, or an IPv6
 * /48, which is what a site gets (RFC 6177). One that holds more than its share loses the
 * connection that has waited longest, so that a flood from one network ends only its own
 * connections.
 */

#include <sys/queue.h>

#include "util/base.h"
#include "util/digest.h"
#include "util/network.h"

struct share;

/* A connection's place in the share of its network. */
struct share_member {
	struct share *share; /* NULL where it does not count */
	TAILQ_ENTRY(share_member) place;
};

/* A hash table: every so many networks have one chain. */
#define SHARES_CHAINS 1024

/* One for each listening socket, because each has a limit of connections of its own. */
struct shares {
	struct hash_key key; /* random */
	size_t max;	     /* connections of a network, 0 for any number */
	struct share *chains[SHARES_CHAINS];
};

/* Sets how much of all connections one network may hold: 1 to 100 per cent. */
void shares_set_max(struct shares *shares, unsigned connections, unsigned percent);

/* The connection belongs to the network from now on, or no longer; it has nothing to do with any
 * where the client has no address (a unix socket). */
void share_join(struct shares *shares, struct share_member *member, const struct sockaddr *client);
void share_leave(struct share_member *member);

/* The connection has not waited longer than any other of its network. */
void share_renew(struct share_member *member);

/* The connection that has waited longest of the same network, where that holds more than its share;
 * else NULL. */
struct share_member *share_surplus(const struct share_member *member);

/* The network of a connection that counts. */
const struct client_network *share_network(const struct share_member *member);
