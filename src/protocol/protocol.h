#pragma once

/*
 * A protocol is one language in which mail clients ask and are answered. Each is a const struct in
 * a file of its own; routes.c says which paths lead to which.
 */

#include "mail/profile.h"
#include "mail/query.h"
#include "protocol/request.h"
#include "protocol/response.h"

struct arena;
struct templates;

/* Why there is no answer. Each protocol has its own way to say so. */
enum failure {
	FAILURE_NONE,
	FAILURE_BAD_REQUEST,	/* what was asked cannot be understood */
	FAILURE_UNKNOWN_DOMAIN, /* nothing here serves the domain */
	FAILURE_NOT_OFFERED,	/* the provider has no service that this protocol can express */
	FAILURE_BROKEN,		/* the database holds something that makes no answer */
	FAILURE_INTERNAL,	/* the database cannot be read */
	FAILURES
};

struct protocol {
	const char *name;

	/* Writes the profile in the protocol's language. Returns FAILURE_NONE, or
	 * FAILURE_NOT_OFFERED with the response untouched. */
	enum failure (*render)(const struct templates *templates, struct arena *memory,
			       const struct profile *profile, struct response *response);

	/* Says no. */
	void (*fail)(const struct templates *templates, struct arena *memory, enum failure failure,
		     struct response *response);
};

/* What a parser makes of a request: a query, or the reason why there is none. */
struct question {
	const struct protocol *protocol; /* the one that answers, be it with no */
	struct query query;
	enum failure failure;
};

extern const struct protocol protocol_outlook;
extern const struct protocol protocol_mobilesync;
extern const struct protocol protocol_autoconfig;

/* "unknown-domain" and the like, for logs. */
const char *failure_name(enum failure failure);
