#pragma once

/*
 * Refusals by network. A flood must not fill the log: the first refusal of a network is logged by
 * the caller, the others are counted until refusals_tell() logs their number. The table has a
 * constant size, and so has the number of lines a minute.
 */

#include <pthread.h>

#include "util/base.h"
#include "util/network.h"

/* How many networks are counted one by one; those beyond are counted together. */
#define REFUSALS_NETWORKS 64

#define REFUSALS_PERIOD_MS 60000

struct refusals {
	const char *limit, *event; /* what happened beyond which limit; both are constant */
	pthread_mutex_t lock;
	struct {
		struct client_network network;
		int64_t until; /* 0 in a free place */
		uint64_t count;
	} places[REFUSALS_NETWORKS + 1]; /* the last: all for which there is no other place */
};

/* REFUSALS("rate limit", "refused") */
#define REFUSALS(limit, event) ((struct refusals){ limit, event, PTHREAD_MUTEX_INITIALIZER })

/* Returns whether this refusal is to be logged; else it is counted. now is clock_now(). May be
 * called from any thread. */
bool refusals_note(struct refusals *refusals, const struct client_network *network, int64_t now);

/* Logs the counts of the networks whose time is over, and starts them again; INT64_MAX: of all. */
void refusals_tell(struct refusals *refusals, int64_t now);
