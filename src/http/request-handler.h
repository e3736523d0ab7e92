#pragma once

/*
 * An exchange: one HTTP request while it is gathered, answered and sent. libmicrohttpd calls in
 * from three sides; the request's memory lives from the first to the last of them.
 */

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer/answer.h"
#include "http/plain-http.h"
#include "http/sockets.h"
#include "observe/access-log.h"
#include "util/arena.h"
#include "util/digest.h"
#include "util/network.h"

/* A body that no route reads, as of a client of CalDAV, is read and dropped up to here, to keep the
 * connection usable. */
#define EXCHANGE_DROPPED_MAX ((size_t)64 * 1024)

/* A locked database is asked again every RETRY ms, until PATIENCE ms have passed. */
#define EXCHANGE_RETRY_MS 20
#define EXCHANGE_PATIENCE_MS 2000

/* How late a request beyond the limit is refused, which is less than any idle timeout; how many of
 * one worker wait for that; and how often they are looked after, for a processor that wakes up for
 * each of them has more to do. */
#define EXCHANGE_HOLD_MS 800
#define EXCHANGES_HELD_MAX 256
#define EXCHANGES_HELD_STEP_MS 100

struct connection;
struct exchange;

/* Suspended exchanges that wait for the same thing, and all as long: the oldest is due first. */
struct waiting {
	struct exchange *oldest, *newest;
	size_t count;
};

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

/* MHD_OPTION_URI_LOG_CALLBACK: begins an exchange. */
void *exchange_begin(void *port, const char *target, struct MHD_Connection *connection);

/* The access handler. */
enum MHD_Result exchange_handle(void *port, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *data,
				size_t *size, void **exchange);

/* MHD_OPTION_NOTIFY_COMPLETED: logs the exchange and frees its memory. */
void exchange_end(void *port, struct MHD_Connection *connection, void **exchange,
		  enum MHD_RequestTerminationCode code);

/* The connection is gone. Where arguments of a query do not fit into its memory, libmicrohttpd
 * 0.9.75 ends a connection without a word about the exchange that it began. */
void exchange_abandon(struct connection *connection);

/* Resumes what has waited long enough. */
void exchanges_retry(struct exchanges *exchanges, int64_t now);

/* When exchanges_retry() has something to do next; INT64_MAX for never. */
int64_t exchanges_next_retry(const struct exchanges *exchanges);

void exchanges_clear(struct exchanges *exchanges);
