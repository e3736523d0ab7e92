#pragma once

/* Which path leads to which parser. */

#include <stdbool.h>

#include "protocol/protocol.h"

struct route {
	const char
		*path; /* matched in any letter case; what ends in '/' matches what follows, too */
	const char *methods; /* as an Allow field lists them; NULL for any */
	struct question (*parse)(struct arena *memory, const struct request *request);
};

/* The route of a decoded path, or NULL. */
const struct route *route_find(const char *path);
bool route_allows(const struct route *route, const char *method);
