#pragma once

/* Where calendars and address books are: /.well-known/caldav and carddav (RFC 6764 5). */

#include "protocol/protocol.h"

struct question caldav_parse(struct arena *memory, const struct request *request);
struct question carddav_parse(struct arena *memory, const struct request *request);
