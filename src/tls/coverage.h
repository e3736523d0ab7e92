#pragma once

/* Which names a number of certificates covers on a day. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "tls/certificate.h"

struct arena;

struct coverage {
	const char **names; /* sorted; of certificates that are valid, in lower case */
	size_t count;
};

/* Lives in memory, and borrows the names of the certificates. */
struct coverage coverage_of(struct arena *memory, const struct certificate *certificates,
			    size_t count, time_t now);

/* Whether one of them has the name, which is in lower case, or the wildcard that covers it. */
bool coverage_has(struct arena *memory, const struct coverage *coverage, const char *name);
