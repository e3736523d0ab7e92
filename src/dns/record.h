#pragma once

/* A DNS record that a mail domain ought to have, as a plain value. */

#include <stdint.h>

#include "util/digest.h"

struct arena;

enum record_type { RECORD_A, RECORD_AAAA, RECORD_CNAME, RECORD_SRV, RECORD_TXT, RECORD_TLSA };

enum record_presence {
	RECORD_WANTED,
	RECORD_INSTEAD, /* of a wanted one, where that cannot be had */
	RECORD_OPTIONAL,
};

/* Names are lower case, A-labels, without a final dot. */
struct record {
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

/* "CNAME" */
const char *record_type_name(enum record_type type);

/* "wanted", "instead", "optional" */
const char *record_presence_name(enum record_presence presence);

/* What stands right of the type in a zone: '0 1 993 mail.example.org.', '"path=/dav/"'. "" for a
 * CNAME without a target. Lives in memory. */
const char *record_value(struct arena *memory, const struct record *record);

/* A text as the character-strings of a TXT record (RFC 1035 3.3.14, 5.1). Lives in memory. */
const char *record_quote(struct arena *memory, const char *text);
