#pragma once

/* An exchange: one HTTP request while it is gathered, answered and sent, for the files that handle
 * it. */

#include <microhttpd.h>

#include "answer/address-limit.h"
#include "answer/answer.h"
#include "http/plain-http.h"
#include "http/retry.h"
#include "http/sockets.h"
#include "observe/access-log.h"
#include "util/base.h"
#include "util/digest.h"
#include "util/network.h"

struct connection;

/* A locked database is tried again every RETRY ms, until PATIENCE ms have passed. */
#define EXCHANGE_RETRY_MS 20
#define EXCHANGE_PATIENCE_MS 2000

/* What all exchanges of one worker share. */
struct exchanges {
	struct context context;
	struct plain_rules plain;
	const char *trusted_proxies; /* networks */
	struct log_rules log;
	bool is_stopping; /* answers close their connections */
	size_t count;	  /* exchanges under way */
	struct waiting for_database, for_refusal;
	struct MHD_Response *refusal; /* of all that is beyond the limit, once it was needed */
	struct digest_key log_key;    /* once it was needed */
	bool has_log_key;
};

/* One listening socket's share: the cls of the callbacks. */
struct exchange_port {
	struct exchanges *exchanges;
	enum port_kind kind;
};

struct exchange {
	struct exchange_port *port;
	struct MHD_Connection *connection;
	struct connection *ours; /* beside what libmicrohttpd knows */
	struct arena memory;	 /* of the request */
	struct arena scratch;	 /* of the answer, cleared before each try */
	struct request request;
	struct response response;
	char *body; /* REQUEST_BODY_MAX bytes, or NULL */
	size_t received;
	agent_t agent;
	struct client_network network; /* of the client, or the one whose limit was reached */
	enum admission admission;
	bool has_begun, must_close, was_held;
	int64_t started;  /* microseconds */
	int64_t micros;	  /* until the answer was handed over */
	int64_t patience; /* ends then, 0 while the database was not busy */
	struct waiter waiter;
};
