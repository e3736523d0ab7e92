#pragma once

/*
 * Host and domain names as they go over the wire: lower-case letters, digits, hyphens; other
 * scripts as A-labels (RFC 5890).
 */

#include "util/base.h"

/* The longest name, without a final dot (RFC 1035 2.3.4), and the longest label. */
#define HOST_NAME_MAX_LENGTH 253
#define HOST_LABEL_MAX_LENGTH 63

/* Whether the text is a host name in the form that idna_to_ascii() gives: labels of lower-case
 * letters, digits and inner hyphens. An address literal is none. */
bool host_name_is_valid(const char *name);

/* The same, but the text may also be a wildcard, as "*.example.org" in a certificate. */
bool host_pattern_is_valid(const char *name);

/* Whether the name is the domain or one below it. */
bool host_name_is_within(const char *name, const char *domain);

/*
 * The name in lower case and A-labels (IDNA 2008, with UTS 46 mapping); a final dot is dropped.
 * Lives in memory. Returns NULL where the name does not convert: underscores, empty or over-long
 * labels, characters that no domain name may have.
 */
const char *idna_to_ascii(struct arena *memory, const char *name);

/* This host's name with its domain, as far as the resolver knows it, which may take a while to ask.
 * NULL if it has none. Lives in memory. */
const char *own_name(struct arena *memory);
