#pragma once

/*
 * What a worker counts for the metrics. Its thread alone writes, without locks and without waiting
 * for anybody; the thread of the metrics server reads meanwhile, each number by itself.
 */

#include <stdatomic.h>

#include "observe/access-log.h"
#include "observe/user-agent.h"
#include "protocol/protocol.h"
#include "util/base.h"

/* How many names there are of protocols and outcomes. */
#define COUNTERS_PROTOCOLS (PROTOCOLS + 3)
#define COUNTERS_OUTCOMES 15

/* Upper bounds of the histogram, in microseconds; what is above them all is in one more. */
#define COUNTERS_BOUNDS 14
extern const int64_t counters_bounds[COUNTERS_BOUNDS];

/* Why a handshake came to nothing. */
enum handshake_failure {
	HANDSHAKE_PROTOCOL,	    /* no common version, suite or curve; nonsense; not TLS */
	HANDSHAKE_ALERT,	    /* the client said no, of our certificate mostly */
	HANDSHAKE_CLOSED,	    /* the client closed the connection */
	HANDSHAKE_TIMEOUT,	    /* [limits] handshake-timeout */
	HANDSHAKE_TOO_LARGE,	    /* more than INTAKE_HANDSHAKE_MAX */
	HANDSHAKE_RATE_LIMIT,	    /* [limits] requests-per-second */
	HANDSHAKE_CONNECTION_LIMIT, /* [limits] connections-per-network */
	HANDSHAKE_UNKNOWN_NAME,	    /* [tls] unknown-name = refuse */
	HANDSHAKE_NO_CERTIFICATE,   /* none of a kind that the client can check */
	HANDSHAKE_FAILURES
};

enum lookup { LOOKUP_FOUND, LOOKUP_NOT_FOUND, LOOKUP_BUSY, LOOKUP_FAILED, LOOKUPS };

typedef _Atomic uint64_t counter_t;

struct latency {
	counter_t answers[COUNTERS_BOUNDS + 1];
	counter_t micros; /* of all of them together */
};

struct counters {
	counter_t requests[COUNTERS_PROTOCOLS][COUNTERS_OUTCOMES][USER_AGENTS_MAX];
	struct latency latencies[COUNTERS_PROTOCOLS];
	counter_t handshakes[TLS_VERSIONS][2]; /* full, resumed */
	counter_t failed_handshakes[HANDSHAKE_FAILURES];
	counter_t lookups[LOOKUPS];
	counter_t withheld_logins; /* by the address limit */
	counter_t connections;	   /* open ones: no counter, it goes down too */
	counter_t closed;	   /* [limits] connections-per-network */
};

/* Adds to a counter of one's own thread, which needs no locked instruction. */
static inline void counter_add(counter_t *counter, uint64_t number)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + number,
			      memory_order_relaxed);
}

static inline uint64_t counter_read(const counter_t *counter)
{
	return atomic_load_explicit((counter_t *)counter, memory_order_relaxed);
}

/* Counts a request that is over. */
void counters_add_request(struct counters *counters, const struct record *record);

extern const char *const handshake_failure_names[HANDSHAKE_FAILURES]; /* "unknown-name" */
extern const char *const lookup_names[LOOKUPS];			      /* "not-found" */

/* The last protocol and outcome stand for what is in no table, and so are never seen. */
extern const char *const counters_outcomes[COUNTERS_OUTCOMES];
const char *counters_protocol(size_t index);
