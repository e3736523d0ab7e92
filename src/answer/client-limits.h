#pragma once

/*
 * What the networks of a client may do: make so many requests a second (the rate limit), and ask
 * for so many different mail addresses within an hour (the address limit). User enumeration asks
 * for many; people behind one address of a campus ask many times, but for few. All workers share
 * one limit.
 */

#include <sys/socket.h>

#include "util/base.h"
#include "util/network.h"

/* A set of mail addresses, by their hashes: open addressing with linear probing, in memory that
 * grows with it. */
struct address_set {
	uint32_t *slots; /* 0 in a free one */
	uint32_t size;	 /* slots */
	uint32_t count;
};

/* The memory of a set of so many addresses, at most. */
#define ADDRESS_SET_BYTES(limit) (((limit) + (limit) / 4 + 1) * sizeof(uint32_t))

bool address_set_has(const struct address_set *set, uint32_t hash);

/* The set does not have the hash, and has fewer than limit. */
void address_set_add(struct address_set *set, uint32_t hash, uint32_t limit);

/* Frees the memory; the set is empty. */
void address_set_clear(struct address_set *set);

struct client_limits;

/*
 * Networks that are remembered at each level of struct client_networks: the narrowest, those around
 * it, the widest. Each holds the hashes of the addresses that it asked for, ADDRESS_SET_BYTES() of
 * its limit at most. With a limit of 500, and the factors 1, 4 (an IPv4 /24), 4 and 16, that is
 *
 *     4096 * 2.5 KB + 2 * 1024 * 10 KB + 256 * 40 KB = 40 MB,
 *
 * of which the heap makes 45 MB (measured), and 90 MB with ADDRESSES_PER_NETWORK_MAX. Memory that
 * no network has needed yet is not taken.
 */
#define ADDRESS_LIMIT_NETWORKS 4096
#define ADDRESS_LIMIT_WIDER_NETWORKS 1024
#define ADDRESS_LIMIT_WIDEST_NETWORKS 256

#define ADDRESS_LIMIT_PERIOD_MS (60 * 60 * 1000)

struct client_limits *client_limits_new(void);
void client_limits_free(struct client_limits *limits);

/* Those of the narrowest network of a client; wider ones get their factor times as much. 0: no
 * limit.
 */
struct client_limits_rules {
	unsigned requests; /* a second */
	unsigned burst;	   /* requests that may come at once, at least 1 */
	unsigned addresses;
	const char *trusted; /* networks without limits, separated by spaces; they are not counted
				in wider networks either */
};

/* May be called from any thread. */
void client_limits_set(struct client_limits *limits, const struct client_limits_rules *rules);

enum admission {
	ADMITTED,
	REFUSED,       /* the first time for a while */
	REFUSED_AGAIN, /* counted by the limit: no line of the log is needed */
};

/* Whether the client may make one more request, which it always may if it is unknown. Unless it is
 * ADMITTED, ret_full is the network whose rate limit was reached. now is clock_microseconds(). May
 * be called from any thread. */
enum admission client_limits_admit(struct client_limits *limits, const struct sockaddr *client,
				   int64_t now, struct client_network *ret_full);

/* Whether the client is in a network without limits. May be called from any thread. */
bool client_limits_trust(struct client_limits *limits, const struct sockaddr *client);

/* A connection was closed because the network holds more than its share; now is clock_now().
 * Returns whether a line of the log is needed, else it is counted. May be called from any thread.
 */
bool client_limits_log_closed(struct client_limits *limits, const struct client_network *network,
			      int64_t now);

/* Logs how many were refused again, and closed: for a minute that is over by now, clock_now();
 * INT64_MAX for all. */
void client_limits_write_refusals(struct client_limits *limits, int64_t now);

/*
 * Whether the client may be answered about the mail address. An address that its narrowest network
 * asked for within the hour, which begins with the first one, is always allowed. Another one counts
 * in each of the networks that does not have it yet, or in none of them if one has reached its
 * limit; so a network that is over its limit does not use up those around it. The first time that a
 * network refuses within its hour is logged. May be called from any thread.
 *
 * A network that there is no room for replaces the one, of eight, that asked for the fewest
 * addresses.
 */
bool client_limits_allow_address(struct client_limits *limits, const struct sockaddr *client,
				 const char *address, int64_t now);
