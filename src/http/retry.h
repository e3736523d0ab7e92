#pragma once

/*
 * Requests that wait, suspended, for a time to come: when a locked database is tried again, or when
 * a delayed refusal is sent.
 */

#include "util/base.h"

struct MHD_Connection;

/* A request that may wait. */
struct waiter {
	struct MHD_Connection *connection;
	struct waiting *waiting; /* NULL while it does not wait */
	struct waiter *older, *newer;
	int64_t until;
};

/* A queue in which all wait equally long: the oldest is due first. */
struct waiting {
	struct waiter *oldest, *newest;
	size_t count;
};

/* Suspends the connection until then, in milliseconds of clock_now(), which is not before the time
 * of any other in the queue. */
void retry_wait(struct waiting *waiting, struct waiter *waiter, int64_t until);

/* Removes it from its queue, if it is in one. */
void retry_cancel(struct waiter *waiter);

/* Resumes what has waited long enough. */
void retry_resume(struct waiting *waiting, int64_t now);

/* When retry_resume() has something to do next; INT64_MAX for never. */
int64_t retry_next(const struct waiting *waiting);
