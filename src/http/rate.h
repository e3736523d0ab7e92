#pragma once

/*
 * How many requests a second a network may make: a token bucket for each, in a table of constant
 * size that all workers share. Who has asked for nothing for a while has a full bucket; a network
 * for which there is no room takes the place of the one whose bucket is the fullest.
 */

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/network.h"

struct rate;

/* How many networks are remembered, in 2 MiB; memory that was never needed is not taken. */
#define RATE_NETWORKS 65536

struct rate *rate_new(void);
void rate_free(struct rate *rate);
DEFINE_CLEANUP(struct rate *, rate_free);

/* Takes a token of the network's bucket, which holds burst of them and gets per_second back (both
 * at least 1); now is clock_microseconds(). Returns whether there was one. May be called from any
 * thread. */
bool rate_take(struct rate *rate, const struct client_network *network, unsigned per_second,
	       unsigned burst, int64_t now);
