#pragma once

/* Thunderbird's autoconfig, version 1.1 (draft-ietf-mailmaint-autoconfig). */

#include "protocol/protocol.h"
#include "template/value.h"

struct question autoconfig_parse(struct arena *memory, const struct request *request);

/* "/v1.1/example.org", as the public provider database is asked: for Thunderbird's setting
 * mailnews.auto_config_url. */
struct question autoconfig_parse_domain(struct arena *memory, const struct request *request);

/* The target at which the same question can be asked of another host: with all that is told of the
 * person, or at least the domain, encoded anew. Lives in memory. */
const char *autoconfig_target(struct arena *memory, const struct query *query,
			      const struct match *match);

/* The data of templates/autoconfig.xml. */
struct value autoconfig_view(struct arena *memory, const struct profile *profile);
