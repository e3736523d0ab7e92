#pragma once

/*
 * Refusals by network. A flood must not fill the log: the first refusal of a network is logged by
 * the caller, the others are counted until refusals_tell() logs their number. The table has a
 * constant size, and so has the number of lines a minute.
 */

#include "util/base.h"

struct client_network;
struct refusals;

/* How many networks are counted one by one; those beyond are counted together. */
#define REFUSALS_NETWORKS 64

#define REFUSALS_PERIOD_MS 60000

/* The texts are constant: the limit, and what happened beyond it, as in "rate limit" and "refused".
 */
struct refusals *refusals_new(const char *limit, const char *event);
void refusals_free(struct refusals *refusals);
DEFINE_CLEANUP(struct refusals *, refusals_free);

/* Returns whether this refusal is to be logged; else it is counted. now is clock_now(). May be
 * called from any thread. */
bool refusals_note(struct refusals *refusals, const struct client_network *network, int64_t now);

/* Logs the counts of the networks whose time is over, and starts them again; INT64_MAX: of all. */
void refusals_tell(struct refusals *refusals, int64_t now);
