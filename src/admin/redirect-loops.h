#pragma once

/* Redirects that would never end. */

#include "util/base.h"

struct admin;

/*
 * Checks the database as it is in the middle of a change for redirect loops: moves of domains and
 * users that lead back or are too long; moves to a URL at this server; services whose URL is
 * where clients ask us for it. A loop that the change brings is refused. One from before is warned
 * of, because it must not prevent other changes. Costs nothing where nothing redirects. Returns 0,
 * or -1 with err set.
 */
int loops_check(struct admin *admin, struct error *err);
