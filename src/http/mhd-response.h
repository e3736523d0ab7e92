#pragma once

/* A response as libmicrohttpd sends it. */

#include <microhttpd.h>

#include "protocol/response.h"
#include "util/bytes.h"
#include "util/cleanup.h"

struct error;

DEFINE_CLEANUP(struct MHD_Response *, MHD_destroy_response);

/* With all its fields. The body is not copied. Returns NULL where there is no memory. */
struct MHD_Response *reply_new(const struct response *response);

/* Adds the head of the answer to a client of HTTP/1.1 that keeps its connection: the status line,
 * the fields, and the empty line. libmicrohttpd itself writes it, into a socket that leads nowhere
 * else. Returns 0, or -1 with err set. */
int reply_head(const struct response *response, struct bytes *head, struct error *err);
