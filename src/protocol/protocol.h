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
struct digest_key;
struct signer;
struct templates;

/* What answers are written with, whoever asks. Borrowed. */
struct site {
	const struct templates *templates;
	const char *public_name;	 /* our own host[:port] in URLs, "" where it is not known */
	const struct digest_key *secret; /* where the protocol needs it, else NULL */
	const struct signer *signer;	 /* of profiles, or NULL */
};

/* Why there is no answer. Each protocol has its own way to say so. */
enum failure {
	FAILURE_NONE,
	FAILURE_BAD_REQUEST,	/* what was asked cannot be understood */
	FAILURE_UNKNOWN_DOMAIN, /* nothing here serves the domain */
	FAILURE_NOT_OFFERED,	/* the provider has no service that this protocol can express */
	FAILURE_BROKEN,		/* the database holds something that makes no answer */
	FAILURE_INTERNAL,	/* the database cannot be read */
	FAILURE_SIGNATURE,	/* the document cannot be signed */
	FAILURES
};

struct protocol {
	const char *name;
	bool tells_logins; /* its answers differ between the people of a domain */
	bool needs_secret; /* of the installation */
	bool tells_moves;  /* its answers can send people on who moved */

	/* Writes the profile in the protocol's language. Returns FAILURE_NONE, or
	 * FAILURE_NOT_OFFERED with the response untouched. */
	enum failure (*render)(const struct site *site, struct arena *memory,
			       const struct profile *profile, struct response *response);

	/* Says no. */
	void (*fail)(const struct site *site, struct arena *memory, enum failure failure,
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
extern const struct protocol protocol_v2_autodiscover;
extern const struct protocol protocol_v2_activesync;
extern const struct protocol protocol_v2_unknown;
extern const struct protocol protocol_v2_none;
extern const struct protocol protocol_caldav;
extern const struct protocol protocol_carddav;
extern const struct protocol protocol_mobileconfig;
extern const struct protocol protocol_pacc;

/* Says no with a status: 404, or 500 and 503 where that is our fault. A fail() for protocols that
 * have no document for it. */
void fail_with_status(const struct site *site, struct arena *memory, enum failure failure,
		      struct response *response);

/* "unknown-domain" and the like, for logs. */
const char *failure_name(enum failure failure);
