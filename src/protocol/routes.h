#pragma once

/* Which path leads to which parser. */

#include <stdbool.h>

#include "protocol/protocol.h"

/* Where a client that came to the plain port is sent on to. */
enum route_redirect {
	ROUTE_REDIRECT_NONE,	   /* it is not: nothing is there */
	ROUTE_REDIRECT_SAME,	   /* to the same path */
	ROUTE_REDIRECT_AUTOCONFIG, /* to where autoconfig tells of the address or the domain */
};

struct route {
	const char
		*path; /* matched in any letter case; what ends in '/' matches what follows, too */
	const char *methods; /* as an Allow field lists them; NULL for any */
	struct question (*parse)(struct arena *memory, const struct request *request);
	enum route_redirect redirect;
};

/* The route of a decoded path, or NULL. */
const struct route *route_find(const char *path);
bool route_allows(const struct route *route, const char *method);

/* Whether the body is part of the question. Of others it says nothing. */
bool route_reads_body(const struct route *route, const char *method);
