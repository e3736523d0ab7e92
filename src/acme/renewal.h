#pragma once

/* Renews certificates that were requested before, each from the CA that issued it, and adds names
 * that resolve to this server by now. */

#include "util/base.h"

struct acme_run;
struct missing_counts;
struct settings;

/* Renews those that end within so many days; with 0 for days those that are due (see
 * order_due_time()). Returns 0, or -1 with err set if other requests would fail too. */
int renewal_run(struct acme_run *run, unsigned long days, struct error *err);

/* Whether a scheduled renewal has something to do now. */
bool renewal_is_due(struct arena *memory, const struct settings *settings);

/* What the timer does: renews if that is due, and requests missing certificates if the settings say
 * so. Returns as renewal_run() and missing_request(). */
int renewal_run_scheduled(struct acme_run *run, bool is_due, struct missing_counts *ret_counts,
			  struct error *err);
