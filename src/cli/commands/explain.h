#pragma once

/* Which rows decided what a client gets. */

#include "util/base.h"

struct admin;
struct response;

/* Adds a line for each thing that decided, with its end. Returns 0, or -1 with err set. */
int explain_response(struct admin *admin, const struct response *response, struct bytes *lines,
		     struct error *err);

/* Where the domain that was asked for is disabled, says so in ret_reason, else NULL. Returns 0, or
 * -1 with err set. */
int explain_disabled(struct admin *admin, const struct response *response, const char **ret_reason,
		     struct error *err);
