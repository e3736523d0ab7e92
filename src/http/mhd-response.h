#pragma once

/* A response as libmicrohttpd sends it. */

#include <microhttpd.h>

#include "protocol/response.h"
#include "util/base.h"

DEFINE_CLEANUP(struct MHD_Response *, MHD_destroy_response);

/* With all its fields. The body is not copied. Returns NULL where there is no memory. */
struct MHD_Response *reply_new(const struct response *response);

/* Adds the head of the response as libmicrohttpd sends it over a connection that stays open: the
 * status line, the fields, and the empty line. */
void reply_head(const struct response *response, struct bytes *head);
