#pragma once

/*
 * The doctor: checks domains from outside, as mail clients see them, and compares that with the
 * database.
 */

#include "answer/answer.h"
#include "doctor/finding.h"
#include "util/base.h"

struct coverage;

struct doctor_options {
	const char *resolver;  /* IP[:PORT], or NULL for the system's */
	const char *connect;   /* HOST:PORT for HTTPS to the names of this server, or NULL */
	const char *ca_file;   /* of CAs to trust instead of the system's, or NULL */
	bool plain_autoconfig; /* the settings let port 80 serve autoconfig */
	const struct coverage *coverage; /* of the certificates in the settings; NULL: unknown */
};

/* Gets the findings of one domain, the worst first. Returns 0, or -1 to stop. */
typedef int (*doctor_reporter)(const char *domain, const struct finding *findings, size_t count,
			       void *context, struct error *err);

/* Examines the domains, many at a time, and reports in their order. Returns 0, or -1 with err set
 * if it cannot begin or the reporter stops it. */
int doctor_run(const struct context *context, const struct doctor_options *options,
	       const char *const *domains, size_t count, doctor_reporter report,
	       void *report_context, struct error *err);
