#pragma once

/*
 * Refusals by network. A flood must not fill the log: the first refusal of a network is logged by
 * the caller, the others are counted until refusal_log_write() logs their number. The table has a
 * constant size, and so has the number of lines a minute.
 */

#include <pthread.h>

#include "util/base.h"
#include "util/network.h"

/* How many networks are counted one by one; those beyond are counted together. */
#define REFUSAL_LOG_NETWORKS 64

#define REFUSAL_LOG_PERIOD_MS 60000

struct refusal_log {
	const char *limit, *event; /* what happened beyond which limit; both are constant */
	pthread_mutex_t lock;
	struct {
		struct client_network network;
		int64_t until; /* 0 in a free place */
		uint64_t count;
	} places[REFUSAL_LOG_NETWORKS + 1]; /* the last: all for which there is no other place */
};

/* Initialises a log that is zeroed: "rate limit", "refused". */
void refusal_log_init(struct refusal_log *log, const char *limit, const char *event);

/* Returns whether this refusal is to be logged; else it is counted. now is clock_now(). May be
 * called from any thread. */
bool refusal_log_add(struct refusal_log *log, const struct client_network *network, int64_t now);

/* Logs the counts of the networks whose time is over, and starts them again; INT64_MAX: of all. */
void refusal_log_write(struct refusal_log *log, int64_t now);
