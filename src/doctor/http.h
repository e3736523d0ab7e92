#pragma once

/*
 * One request and its answer (RFC 9112), as it comes: no redirect is followed, nothing is decoded
 * but the transfer. A browser keeps its last connection for the next request.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doctor/stream.h"

struct arena;
struct error;
struct resolver;
struct world;

/* The longest that any client waits is 10 s; nobody gets more than this. */
#define HTTP_PATIENCE 12000
#define HTTP_BODY_MAX ((size_t)256 * 1024)
#define HTTP_FIELDS_MAX 100

struct http_request {
	const char *method;
	bool is_tls;
	const char *host;
	uint16_t port;
	const char *target;	       /* path and query */
	const char *media_type, *body; /* of the body, or NULL */
	const char *field;	       /* one more header field, "Depth: 0", or NULL */
};

/* Strings live in the arena that was given. */
struct http_answer {
	int status;					  /* 0 where there is no answer */
	const char *failure;				  /* then why not */
	const char *media_type, *location, *authenticate; /* "" where there is no such field */
	const char *body;
	size_t size;
	int64_t milliseconds; /* from before the connection until the last byte */
	bool has_peer;	      /* TLS began */
	struct peer peer;
};

#define HTTP_NO_ANSWER                  \
	((struct http_answer){          \
		.failure = "no answer", \
		.media_type = "",       \
		.location = "",         \
		.authenticate = "",     \
		.body = "",             \
	})

struct browser;

struct browser *browser_new(const struct world *world, struct resolver *resolver);
void browser_free(struct browser *browser);
DEFINE_CLEANUP(struct browser *, browser_free);

/* Asks. is_ours: TLS goes to where the world's override says, if there is one. */
void browser_ask(struct browser *browser, struct arena *memory, const struct http_request *request,
		 bool is_ours, struct http_answer *ret_answer);

/* Reads the answer to a request that was sent on the stream, and whether the stream ends with it.
 * Returns 0, or -1 with err set; milliseconds and peer are the caller's. */
int http_read(struct stream *stream, struct arena *memory, const struct http_request *request,
	      struct http_answer *ret_answer, bool *ret_closes, struct error *err);

/* "https://autoconfig.example.org/mail/config-v1.1.xml". In memory. */
const char *http_url(struct arena *memory, const struct http_request *request);

/* Takes an absolute URL, or one that begins with a slash and stays at the host of base, apart. In
 * memory. Returns whether it is http or https. */
bool http_url_parse(struct arena *memory, const char *url, const struct http_request *base,
		    struct http_request *ret_request);
