#pragma once

/* An HTTP request as plain values: what the listener gathers, and what a test writes down. */

#include <sys/socket.h>

#include "util/base.h"

/* A longer body is never a question: the longest recorded one has 400 bytes. */
#define REQUEST_BODY_MAX ((size_t)8 * 1024)

/* All strings belong to the caller and outlive the answer. */
struct request {
	const char *method;
	const char
		*target; /* path and query as they came: "/mail/config-v1.1.xml?emailaddress=..." */
	const char *host; /* the Host field as it came, or NULL */
	const char *body; /* body_size bytes, or NULL */
	size_t body_size;
	const struct sockaddr *client; /* NULL if it is not on the network */
};

/* The path of the target, percent-decoded once. NULL where that fails. Lives in memory. */
const char *request_path(struct arena *memory, const struct request *request);

/* The value of the first argument of the query that has one of the names (count of them), in any
 * letter case, percent-decoded; a plus stays a plus. NULL where there is none, or where the value
 * does not decode. Lives in memory. */
const char *request_argument(struct arena *memory, const struct request *request,
			     const char *const *names, size_t count);

/* Likewise, but NULL also where more than one argument has the name. */
const char *request_only_argument(struct arena *memory, const struct request *request,
				  const char *name);

/* Whether the query has an argument of the name, in any letter case, whatever its value. */
bool request_has_argument(struct arena *memory, const struct request *request, const char *name);

/* The Host without its port, in lower case and A-labels. NULL where there is none, or it is not a
 * host name. Lives in memory. */
const char *request_host(struct arena *memory, const struct request *request);
