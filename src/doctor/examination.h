#pragma once

/* Prepares the examination of a domain from the database. */

#include "doctor/check.h"

struct certificate_list;
struct coverage;

/* domain lives as long as the examination. */
struct examination *examination_new(const char *domain);

/* No check of its own may still run. */
void examination_free(struct examination *examination);

/* Reads all that the database has about the domain, reports what is notable about that, and plays
 * the clients against it. coverage: of the configured certificates; NULL where it is not known.
 * Returns 0, or -1 where no request for the domain is answered; the reason is reported. */
int examination_prepare(struct examination *examination, const struct context *context,
			const struct coverage *coverage);
