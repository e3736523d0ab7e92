#pragma once

/*
 * What one network may do: make so many requests a second, and ask for so many different addresses
 * within an hour. Who enumerates asks for many; people behind one address of a campus ask many
 * times, but for few. All workers share one limit, of constant size.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "util/cleanup.h"
#include "util/network.h"

struct limit;

/* How many networks are remembered. With ADDRESSES_PER_NETWORK_MAX that is 16 MiB at the most;
 * memory that no network has needed yet is not taken. */
#define LIMIT_NETWORKS 4096

#define LIMIT_PERIOD_MS (60 * 60 * 1000)

struct limit *limit_new(void);
void limit_free(struct limit *limit);
DEFINE_CLEANUP(struct limit *, limit_free);

/* 0 is no bound. */
struct limit_rules {
	unsigned requests; /* a second */
	unsigned burst;	   /* requests that may come at once, at least 1 */
	unsigned addresses;
	struct client_bits bits;
	const char *trusted; /* networks without bounds, separated by blanks */
};

/* May be called from any thread. */
void limit_set(struct limit *limit, const struct limit_rules *rules);

enum admission {
	ADMITTED,
	REFUSED,       /* the first time for a while */
	REFUSED_AGAIN, /* which the limit counts; no line of the log is needed */
};

/* Whether the client may make one more request, which it always may where nobody knows who it is;
 * now is clock_microseconds(). May be called from any thread. */
enum admission limit_admit(struct limit *limit, const struct sockaddr *client, int64_t now);

/* Logs how many were refused again: for a minute that is over by now, clock_now(); INT64_MAX for
 * all. */
void limit_tell_refusals(struct limit *limit, int64_t now);

/*
 * Whether the client may be answered about the address. Counts what was not asked for yet; what was
 * within the bound stays so until the hour is over, which begins with a network's first address.
 * The first time that a network is refused in its hour is logged. May be called from any thread.
 *
 * Where there is no room for another network, of those that it could take the place of the one that
 * asked for the fewest addresses is forgotten, and begins anew.
 */
bool limit_allows(struct limit *limit, const struct sockaddr *client, const char *address,
		  int64_t now);
