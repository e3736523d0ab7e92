#pragma once

/* Handles HTTP requests: libmicrohttpd calls from three sides; the memory of a request lives from
 * the first call to the last. */

#include <microhttpd.h>

#include "util/base.h"

struct connection;
struct exchanges;

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
 * 0.9.75 can end a connection without notifying about the exchange that it began. */
void exchange_abandon(struct connection *connection);

/* Resumes what has waited long enough. */
void exchanges_retry(struct exchanges *exchanges, int64_t now);

/* When exchanges_retry() has something to do next; INT64_MAX for never. */
int64_t exchanges_next_retry(const struct exchanges *exchanges);

void exchanges_clear(struct exchanges *exchanges);
