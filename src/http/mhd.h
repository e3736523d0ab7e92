#pragma once

/* libmicrohttpd: how both kinds of daemon start, and a response as it sends it. */

#include <microhttpd.h>

#include "protocol/request.h"
#include "util/base.h"

DEFINE_CLEANUP(struct MHD_Response *, MHD_destroy_response);

/* What a daemon is started with. */
struct mhd_options {
	unsigned flags;	      /* beside MHD_USE_ITC and MHD_USE_ERROR_LOG */
	unsigned connections; /* at most */
	unsigned timeout;     /* of a connection, in seconds */
	MHD_AccessHandlerCallback handle;
	void *context;			   /* of that */
	const struct MHD_OptionItem *more; /* ends with MHD_OPTION_END */
};

/* Starts a daemon at the listening socket, which it takes over only if that succeeds; it logs at
 * level debug. Returns NULL with errno set where it does not start. */
struct MHD_Daemon *mhd_start(int fd, const struct mhd_options *options);

/* With all its fields. The body is not copied. Returns NULL where there is no memory. */
struct MHD_Response *mhd_response_new(const struct response *response);

/* Adds the head of the response as libmicrohttpd sends it over a connection that stays open: the
 * status line, the fields, and the empty line. */
void mhd_response_head(const struct response *response, struct bytes *head);
