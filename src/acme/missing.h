#pragma once

/* Certificates for all domains that have none: 'certificate request --missing', and what the timer
 * does if the settings say so. */

#include "util/base.h"

struct acme_run;
struct coverage;
struct store;
struct texts;

/* The names by which clients look for the domain's settings and that no certificate has; none if
 * nothing serves the domain. Lives in memory. Returns 0, or -1 with err set. */
int missing_names_find(struct store *store, struct arena *memory, const struct coverage *coverage,
		       const char *domain, struct texts *ret_names, struct error *err);

/* Why nothing is requested for a domain that has no certificate. */
enum skip_reason {
	SKIP_ELSEWHERE,	 /* none of its names resolves to this server */
	SKIP_UNANSWERED, /* DNS gives no answer */
	SKIP_BACKOFF,	 /* its last request failed */
	SKIP_REFUSED,	 /* the CA would refuse it */
	SKIP_REASONS
};

struct missing_counts {
	size_t n_domains;
	struct {
		size_t count;
		const char *domain, *why; /* of the first */
	} skipped[SKIP_REASONS];
};

/* Requests them from the server. Skipped domains are counted, and reported only if the run wants
 * all. Returns 0 with the counts, or -1 with err set if other requests would fail too; the counts
 * are filled in only if all domains were looked at. */
int missing_request(struct acme_run *run, const char *server, struct missing_counts *ret_counts,
		    struct error *err);
