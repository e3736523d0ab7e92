#pragma once

/*
 * The records that a mail domain should have, from the same profile that its documents are
 * written from. What 'mailconfctl dns' prints is what 'mailconfctl doctor' looks for.
 */

#include "util/base.h"
#include "util/digest.h"
#include "util/string-list.h"

struct profile;

enum record_type { RECORD_A, RECORD_AAAA, RECORD_CNAME, RECORD_SRV, RECORD_TXT, RECORD_TLSA };

enum record_presence {
	RECORD_WANTED,
	RECORD_INSTEAD, /* of a wanted one, where that cannot be had */
	RECORD_OPTIONAL,
};

/* Names are lower case, A-labels, without a final dot. */
struct wanted_record {
	enum record_type type;
	enum record_presence presence;
	const char *name;
	const char *purpose; /* what it is for: a sentence without its period */
	/* A, AAAA: the address, CNAME, SRV: the target, "." for a service that is not offered;
	 * TXT: the text. Of a CNAME, NULL: the name is the target's own, and needs addresses. */
	const char *text;
	uint16_t priority, weight, port; /* of SRV */
	struct digest digest;		 /* of TLSA: of the public key */
};

/* A name of this server, and the key of a certificate that is served for it. */
struct name_key {
	const char *name;
	struct digest digest;
};

/* What is known beside the profile. Borrowed. */
struct wanted_for {
	const struct profile *profile;
	/* Where this server is: its host name, or its addresses (n_addresses of them), or neither:
	 * then its names have CNAMEs without a target. */
	const char *target;
	const char *const *addresses;
	size_t n_addresses;
	const char *pacc_digest;     /* of the document, Base64; NULL where there is none */
	const struct name_key *keys; /* n_keys: for TLSA */
	size_t n_keys;
};

struct wanted {
	const struct wanted_record *records;
	size_t count;
	struct texts gaps; /* what no record can express: sentences without their periods */
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

/* "CNAME" */
const char *record_type_name(enum record_type type);

/* "wanted", "instead", "optional" */
const char *record_presence_name(enum record_presence presence);

/* What stands right of the type in a zone: '0 1 993 mail.example.org.', '"path=/dav/"'. "" for a
 * CNAME without a target. Lives in memory. */
const char *record_value(struct arena *memory, const struct wanted_record *record);
