#pragma once

/*
 * One HTTP request and its response (RFC 9112). Redirects are not followed, and only the transfer
 * coding is decoded. A browser keeps its last connection for the next request.
 */

#include "doctor/stream.h"
#include "util/base.h"

struct resolver;
struct world;

/* The longest timeout of any client is 10 s. */
#define HTTP_PATIENCE 12000
#define HTTP_BODY_MAX ((size_t)256 * 1024)
#define HTTP_FIELDS_MAX 100

struct http_request {
	const char *method;
	bool is_tls;
	const char *host;
	uint16_t port;
	const char *target; /* path and query */
	const char *body;   /* XML, or NULL */
	const char *field;  /* one more header field, "Depth: 0", or NULL */
};

struct http_answer {
	int status;					  /* 0: there is no response */
	const char *failure;				  /* then why not */
	const char *media_type, *location, *authenticate; /* "" without such a field */
	const char *body;
	size_t size;
	bool closes;	      /* the connection, after it */
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

/* What it reads lives in memory. */
struct browser *browser_new(const struct world *world, struct resolver *resolver,
			    struct arena *memory);
void browser_free(struct browser *browser);
DEFINE_CLEANUP(struct browser *, browser_free);

/* Sends the request. is_ours: TLS connects to world->connect, if that is set. */
struct http_answer browser_ask(struct browser *browser, const struct http_request *request,
			       bool is_ours);

/* Reads the response to a request other than HEAD that was sent. Returns 0, or -1 with err set;
 * milliseconds and peer are the caller's. */
int http_read(struct stream *stream, struct arena *memory, struct http_answer *ret_answer,
	      struct error *err);

/* Whether it sends clients to answer->location. */
bool http_is_redirect(const struct http_answer *answer);

/* "https://autoconfig.example.org/mail/config-v1.1.xml". In memory. */
const char *http_url(struct arena *memory, const struct http_request *request);

/* Parses an absolute URL, or a path at the host of base. In memory. Returns whether it is http or
 * https. */
bool http_url_parse(struct arena *memory, const char *url, const struct http_request *base,
		    struct http_request *ret_request);
