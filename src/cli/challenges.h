#pragma once

/* How the CA is to check an order: by HTTP-01 or by DNS-01. */

#include <stddef.h>

struct error;
struct issuing;

/* Expected outcome: the fault concerns this order only. */
enum { CHALLENGES_IMPOSSIBLE = 1 };

/* Chooses DNS-01 for orders with a wildcard, and for all if listen-http is empty and there is a
 * dns-hook; else HTTP-01. Tries whether that works here before the CA is asked: HTTP-01 once in a
 * run. Returns 0, CHALLENGES_IMPOSSIBLE, or -1; but for 0 err is set. */
int challenges_prepare(struct issuing *issuing, const char *const *names, size_t count,
		       struct error *err);
