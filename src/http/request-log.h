#pragma once

/* What is logged of a request: the trace, and the access log line with its counters. */

struct exchange;

/* The header of the request was received, and the rate limit was applied; the response was made,
 * and how; the request is over. */
void request_log_begin(struct exchange *exchange);
void request_log_answer(struct exchange *exchange);
void request_log_end(struct exchange *exchange);
