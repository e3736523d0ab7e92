#pragma once

/*
 * The doctor: looks at the world as mail clients do, and compares with what the database says.
 */

#include <stdbool.h>
#include <stddef.h>

#include "answer/answer.h"
#include "doctor/finding.h"

struct arena;
struct coverage;
struct error;

struct doctor_options {
	const char *resolver;  /* IP[:PORT], or NULL for the system's */
	const char *connect;   /* HOST:PORT where HTTPS for names of ours goes, or NULL */
	const char *ca_file;   /* of authorities to trust instead of the system's, or NULL */
	bool plain_autoconfig; /* the settings let port 80 give autoconfig */
	const struct coverage *coverage; /* of the settings' certificates; NULL where not known */
};

/* Is told of each domain in turn, worst first. Returns 0, or -1 to stop. */
typedef int (*doctor_reporter)(const char *domain, const struct finding *findings, size_t count,
			       void *context, struct error *err);

/* Looks at the domains, many at a time, and reports in their order. Returns 0, or -1 with err set
 * where it cannot begin, or go on. */
int doctor_run(const struct context *context, const struct doctor_options *options,
	       const char *const *domains, size_t count, doctor_reporter reporter,
	       void *reporter_context, struct error *err);
