#pragma once

/* Thunderbird's autoconfig, version 1.1 (draft-ietf-mailmaint-autoconfig). */

#include "protocol/protocol.h"

struct question autoconfig_parse(struct arena *memory, const struct request *request);

/* The target for the same query to another host: with the address, its MD5 or the domain, encoded
 * again. Lives in memory. */
const char *autoconfig_target(struct arena *memory, const struct query *query,
			      const struct match *match);
