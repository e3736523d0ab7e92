#pragma once

/*
 * A rate limit: a token bucket for each network, in tables of constant size that all workers share.
 * A request takes a token from the bucket of each network that its client is in, or none if one of
 * them is empty. A network that made no request for a while has a full bucket; one that the table
 * has no room for replaces the one whose bucket is the fullest.
 */

#include "util/base.h"
#include "util/network.h"

struct rate_limit;

/* Networks in the table of the narrowest, each with 32 bytes: 2 MiB; a quarter of that for each of
 * the wider ones, 3.5 MiB in all. Memory that was never needed is not taken. */
#define RATE_LIMIT_NETWORKS 65536
#define RATE_LIMIT_WIDER_NETWORKS (RATE_LIMIT_NETWORKS / 4)

struct rate_limit *rate_limit_new(void);
void rate_limit_free(struct rate_limit *rate);
DEFINE_CLEANUP(struct rate_limit *, rate_limit_free);

/* Takes a token from the bucket of each of the networks. That of the narrowest holds burst tokens,
 * of which per_second come back (both at least 1); the others hold their factor times as many. now
 * is clock_microseconds(). Returns NULL, or the network that had no token; then none was taken. May
 * be called from any thread. */
const struct client_network *rate_limit_take(struct rate_limit *rate,
					     const struct client_networks *networks,
					     unsigned per_second, unsigned burst, int64_t now);
