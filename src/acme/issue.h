#pragma once

/* Requests the certificate of one order from its CA and stores it. */

#include "util/base.h"

struct acme_run;
struct order;

/* Expected outcome of ORDER_MISSING: another web server answers at the names, or CAA records
 * exclude the CA. Nothing was reported. */
enum { ISSUE_REFUSED = 1 };

/* Requests what the order wants and reports the outcome; a failure is counted. A CA that cannot be
 * reached, refuses the account or whose rate limit is reached is not asked again in this run.
 * Returns 0, ISSUE_REFUSED with err set to the reason, or -1 with err set if other orders would
 * fail too. */
int issue_order(struct acme_run *run, struct order *order, struct error *err);
