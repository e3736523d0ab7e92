#pragma once

/* Handles HTTP requests: libmicrohttpd calls from three sides. An exchange is one request while it
 * is gathered, answered and sent; its memory lives from the first call to the last. */

#include <microhttpd.h>
#include <sys/queue.h>

#include "answer/answer.h"
#include "util/base.h"
#include "util/digest.h"

struct connection;
struct exchange;
struct serving;

/* A locked database is tried again every RETRY ms, until PATIENCE ms have passed. */
#define REQUEST_RETRY_MS 20
#define REQUEST_PATIENCE_MS 2000

/* Suspended exchanges, which all wait equally long: the oldest is due first. */
struct waiting {
	TAILQ_HEAD(, exchange) exchanges;
	size_t count;
};

/* What they wait for: the time when a locked database is tried again, or a refusal is sent. */
enum { WAIT_FOR_DATABASE, WAIT_FOR_REFUSAL, WAIT_REASONS };

/* What all exchanges of one worker share. */
struct request_handler {
	struct context context;
	const struct serving *serving; /* of the worker */
	bool is_stopping;	       /* answers close their connections */
	size_t count;		       /* exchanges under way */
	struct waiting waiting[WAIT_REASONS];
	struct MHD_Response *refusal; /* of all that is beyond the limit, once it was needed */
	struct digest_key log_key;    /* once it was needed */
	bool has_log_key;
};

/* Callbacks, of which the first argument is the handler. */

/* MHD_OPTION_URI_LOG_CALLBACK: begins an exchange. */
void *request_handler_begin(void *handler, const char *target, struct MHD_Connection *connection);

/* The access handler. */
enum MHD_Result request_handler_access(void *handler, struct MHD_Connection *connection,
				       const char *url, const char *method, const char *version,
				       const char *data, size_t *size, void **exchange);

/* MHD_OPTION_NOTIFY_COMPLETED: logs the exchange and frees its memory. */
void request_handler_end(void *handler, struct MHD_Connection *connection, void **exchange,
			 enum MHD_RequestTerminationCode code);

/* The connection is gone. Where arguments of a query do not fit into its memory, libmicrohttpd
 * 0.9.75 can end a connection without notifying about the exchange that it began. */
void request_handler_abandon(struct connection *connection);

/* Resumes what has waited long enough. */
void request_handler_retry(struct request_handler *handler, int64_t now);

/* When request_handler_retry() has something to do next; INT64_MAX for never. */
int64_t request_handler_next_retry(const struct request_handler *handler);
