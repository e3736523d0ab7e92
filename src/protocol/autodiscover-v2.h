#pragma once

/* Autodiscover version 2: where a protocol's server is, as JSON. */

#include "protocol/protocol.h"

struct question autodiscover_v2_parse(struct arena *memory, const struct request *request);
