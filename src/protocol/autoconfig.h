#pragma once

/* Thunderbird's autoconfig, version 1.1 (draft-ietf-mailmaint-autoconfig). */

#include "protocol/protocol.h"

struct question autoconfig_parse(struct arena *memory, const struct request *request);

/* The target at which the same question can be asked of another host: with all that is told of the
 * person, or at least the domain, encoded anew. Lives in memory. */
const char *autoconfig_target(struct arena *memory, const struct query *query,
			      const struct match *match);
