#pragma once

/*
 * The records that a mail domain ought to have, from the same profile that its documents are
 * written from. What 'mailconfctl dns' prints is what 'mailconfctl doctor' looks for.
 */

#include <stdbool.h>
#include <stddef.h>

#include "dns/record.h"

struct arena;
struct bytes;
struct profile;

/* A name of ours, and the key of a certificate that is served for it. */
struct name_key {
	const char *name;
	struct digest digest;
};

/* What is known beside the profile. Borrowed. */
struct wanted_for {
	const struct profile *profile;
	/* Where this server is: its host name, or its addresses (n_addresses of them), or neither:
	 * then names of ours have CNAMEs without a target. */
	const char *target;
	const char *const *addresses;
	size_t n_addresses;
	const char *pacc_digest;     /* of the document, Base64; NULL where there is none */
	const struct name_key *keys; /* n_keys: for TLSA */
	size_t n_keys;
};

struct wanted {
	const struct record *records;
	size_t count;
	/* What DNS has no words for: sentences without their periods. */
	const char *const *gaps;
	size_t n_gaps;
};

/* The names below the domain under which clients look for this server. In memory. */
const char *const *wanted_names(struct arena *memory, const char *domain, bool has_pacc,
				size_t *ret_count);

/* Records of one purpose stand together, in an order for people to read. All lives in memory, or is
 * borrowed from the wish. */
struct wanted wanted_records(struct arena *memory, const struct wanted_for *wish);

/* Writes the records as a part of a zone file (RFC 1035 5), with comments; those that are not
 * RECORD_WANTED are commented out. */
void wanted_write_zone(struct bytes *zone, const char *domain, const struct wanted *wanted);
