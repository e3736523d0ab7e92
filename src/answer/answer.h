#pragma once

/*
 * The path of one request without its two ends: route, parse, look up, build the profile, render.
 * The listener, the tests and 'mailconfctl preview' call this same function.
 */

#include "protocol/protocol.h"
#include "protocol/request.h"
#include "util/base.h"

struct counters;
struct client_limits;
struct store;

/* What an answer is made with. Borrowed. */
struct context {
	struct store *store;
	struct site site;
	struct client_limits *limits; /* or NULL for none */
	struct counters *counters;    /* likewise */
};

/* store_match() in the context's database, counted. */
int context_match(const struct context *context, struct arena *memory, const struct query *query,
		  struct match *ret_match, struct error *err);

/* Expected outcome. */
enum { ANSWER_BUSY = 1 /* the database was locked: ask again a little later */ };

/*
 * Fills in the response, which lives in memory and borrows from request. There always is one: each
 * protocol has its own way to refuse. Returns 0; ANSWER_BUSY with the response for a client that
 * does not wait any longer; or -1 with err set for the log, and with the response for the client.
 */
int answer(const struct context *context, struct arena *memory, const struct request *request,
	   struct response *ret_response, struct error *err);

/* The same from where the question is parsed, which the response then borrows from. */
int answer_question(const struct context *context, struct arena *memory,
		    const struct request *request, const struct question *question,
		    struct response *ret_response, struct error *err);
