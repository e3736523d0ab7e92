#pragma once

/*
 * CAA records (RFC 8659): which certificate authorities (CAs) may issue certificates for a name. A
 * CA that is not among them refuses, and counts the failure.
 */

#include "util/base.h"

struct dns_record;
struct resolver;

/* The relevant records of a name: its own, or those of the nearest domain above it that has any. */
struct caa_set {
	const char *name; /* may be a wildcard */

	/* Filled in. */
	const char *owner; /* of the records; NULL if there are none */
	const struct dns_record *records;
	size_t count;
	const char *failure; /* why they are not known, as after a timeout; or NULL */
};

/* A CA and the order that it gets. */
struct caa_issuer {
	const char *const *identities; /* its domain names */
	size_t n_identities;	       /* 0: not known */
	const char *method;	       /* of validation, as "http-01" (RFC 8657) */
};

/* Finds the records of all the names, side by side. */
void caa_find(struct arena *memory, struct resolver *resolver, struct caa_set *sets, size_t count);

/* Whether a record of the set names the CAs that may issue, so that the identities matter. */
bool caa_names_issuers(struct arena *memory, const struct caa_set *set);

/* Why the CA must not issue for the name, as in "the CAA records of example.org allow only
 * letsencrypt.org"; NULL if it may. In memory. */
const char *caa_find_objection(struct arena *memory, const struct caa_set *set,
			       const struct caa_issuer *issuer);
