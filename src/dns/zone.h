#pragma once

/* Records as a part of a zone file (RFC 1035 5), with comments. */

#include "dns/wanted.h"

struct bytes;

/* Writes the records; those that are not plainly wanted are commented out. */
void zone_write(struct bytes *zone, const char *domain, const struct wanted *wanted);
