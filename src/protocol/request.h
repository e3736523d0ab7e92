#pragma once

/* An HTTP request and its response as plain values: what the listener gathers and sends, and what a
 * test writes down. */

#include <sys/socket.h>

#include "util/base.h"

struct match;
struct query;

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

/* The value of the first argument of the query that has the name, or the other name unless that is
 * NULL, in any letter case, percent-decoded; a plus stays a plus. NULL where there is none, or
 * where the value does not decode. Lives in memory. */
const char *request_argument(struct arena *memory, const struct request *request, const char *name,
			     const char *other);

/* Likewise, but NULL also where more than one argument has the name. */
const char *request_only_argument(struct arena *memory, const struct request *request,
				  const char *name);

/* Whether the query has an argument of the name, in any letter case, whatever its value. */
bool request_has_argument(struct arena *memory, const struct request *request, const char *name);

/* The Host without its port, in lower case and A-labels. NULL where there is none, or it is not a
 * host name. Lives in memory. */
const char *request_host(struct arena *memory, const struct request *request);

/* All strings live as long as the request's arena, or are static. */
struct response {
	unsigned status;
	const char *media_type;
	const char *cache_control;
	const char *allow; /* the Allow field of a 405, else NULL */
	const char
		*allow_origin; /* the sites whose scripts may read it: "*" for all, NULL for none */
	const char *disposition; /* "attachment; filename=..." for what is to be saved, else NULL */
	const char *retry_after; /* seconds, of a 429; else NULL */
	const char *location;	 /* where a redirect leads, else NULL: never from a request */
	const char *body;
	size_t size;

	/* How it came about, for the log and for 'mailconfctl preview --explain'. */
	const char *protocol; /* "outlook", or NULL where no protocol was asked */
	const char *outcome;  /* "settings", or why not */
	bool is_refusal;
	const struct query *query; /* NULL where the request was not understood */
	const struct match *match; /* NULL where nothing was found */
};

/* A refusal with a short text for people, such as a 404. */
void response_set_text(struct response *response, unsigned status, const char *text);
