#pragma once

/* The results of the doctor: one finding for each thing that it checked. Each kind has one level,
 * in the table of finding.c, which the manual repeats. */

#include "util/base.h"

enum finding_level { LEVEL_OK, LEVEL_NOTE, LEVEL_WARNING, LEVEL_PROBLEM };

enum finding_kind {
	/* DNS */
	FINDING_RECORD,
	FINDING_RESOLVER_FAILED,
	FINDING_NAME_MISSING,
	FINDING_NAME_ELSEWHERE,
	FINDING_RECORD_MISSING,
	FINDING_RECORD_DIFFERS,
	FINDING_DENIAL_MISSING,
	FINDING_DIGEST_MISSING,
	FINDING_TLSA_DIFFERS,
	FINDING_WILDCARD,
	FINDING_AUTODISCOVER_SEVERAL,
	FINDING_AUTODISCOVER_PORT,
	FINDING_AUTODISCOVER_CONSENT,
	FINDING_TARGET_ALIAS,
	FINDING_TARGET_MISSING,
	FINDING_MX_ELSEWHERE,
	/* TLS */
	FINDING_CERTIFICATE,
	FINDING_UNREACHABLE,
	FINDING_UNREACHABLE_IPV4,
	FINDING_UNREACHABLE_IPV6,
	FINDING_UNTESTED,
	FINDING_HANDSHAKE_FAILED,
	FINDING_CERTIFICATE_NAME,
	FINDING_CERTIFICATE_EXPIRED,
	FINDING_CERTIFICATE_EXPIRING,
	FINDING_CERTIFICATE_UNTRUSTED,
	FINDING_CHAIN_INCOMPLETE,
	FINDING_TLS12_MISSING,
	FINDING_TLS13_MISSING,
	FINDING_NAME_UNCERTIFIED,
	/* HTTP */
	FINDING_SETTINGS,
	FINDING_NO_SETTINGS,
	FINDING_OTHER_SETTINGS,
	FINDING_CLIENT_LIMIT,
	FINDING_SLOW,
	FINDING_APEX_POST,
	FINDING_PLAIN_SETTINGS,
	/* Services */
	FINDING_SERVICE,
	FINDING_SERVICE_UNREACHABLE,
	FINDING_SERVICE_PROTOCOL,
	FINDING_STARTTLS_MISSING,
	FINDING_AUTHENTICATION_MISSING,
	FINDING_SUBMISSION_NAMES,
	/* The database */
	FINDING_OWN_LOGINS,
	FINDING_ANY_DOMAIN,
	FINDING_PATTERN,
	FINDING_STARTTLS_ONLY,
	FINDING_DOMAIN_BROKEN,
	FINDING_KINDS
};

struct finding {
	enum finding_kind kind;
	size_t number; /* in the order in which they were found */
	const char *seen;
	const char *expected; /* NULL, as fix, if the level is ok */
	const char *fix;      /* the DNS record, command or action that fixes it */
};

/* A growing list. Its findings and their texts live in memory. */
struct findings {
	struct arena *memory;
	struct finding *items;
	size_t count, room;
};

/* Numbers the finding. Texts are not copied. */
void findings_add(struct findings *findings, const struct finding *finding);

/* "certificate-expired" */
const char *finding_kind_name(enum finding_kind kind);
enum finding_level finding_level(enum finding_kind kind);

/* "ok", "note", "warning", "problem" */
const char *finding_level_name(enum finding_level level);
