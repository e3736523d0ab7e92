#pragma once

/*
 * The trace: lines of the log that follow one request from the connection to the response. The
 * lines of a connection have its number. At level debug all connections are traced, at any level
 * those from the networks of [log] trace.
 *
 * Like the access log it has no query strings, bodies, header fields or logins, and of addresses
 * what [log] addresses allows.
 */

#include <sys/socket.h>

#include "observe/access-log.h"
#include "util/base.h"

struct certificate;

/* The number of a connection in the trace, 0 where it is not traced: number if it has one, else a
 * new one. The client is the one behind a proxy, or NULL. */
unsigned trace_number(const struct log_rules *rules, unsigned number,
		      const struct sockaddr *client);

/* All functions below have nothing to do for number 0, and format nothing. */
void trace_connection(unsigned number, const struct sockaddr *client, const char *listener);

/* A line with one word at most; key is NULL for none. */
void trace_event(unsigned number, const char *name, const char *key, const char *word);

/* The client's SNI, or NULL; and the certificate that was chosen, or NULL. */
void trace_hello(unsigned number, const struct log_rules *rules, const char *sni,
		 const struct certificate *certificate);
void trace_handshake(unsigned number, enum tls_version version, bool is_resumed);

/* verdict: of the rate limit. */
void trace_request(unsigned number, const struct record *record, const char *verdict);

/* How the response came about: the route, the query, the rows that matched and the login rule. */
void trace_answer(unsigned number, const struct record *record);
void trace_response(unsigned number, const struct record *record);
