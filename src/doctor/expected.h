#pragma once

/* What clients and DNS should have of a mail domain, according to the database. */

#include "dns/wanted.h"
#include "mail/profile.h"
#include "util/base.h"

struct certificates;
struct context;
struct store;

/* Leaves room for the longest label before the domain in a record. */
#define EXPECTED_DOMAIN_MAX_LENGTH 227

struct expected {
	const char *domain;
	const char *row; /* the name of its row: the domain, "*.parent" or "*" */
	struct provider provider;
	struct profile profile;	 /* without an address */
	const char *target;	 /* the host that clients are redirected to; NULL: unknown */
	uint16_t target_port;	 /* at that */
	const char *pacc_digest; /* NULL without PACC */
};

/* Looks the domain up. All lives in memory. Returns 0, or -1 with err set: a pattern, a domain that
 * is disabled or not served, a provider without services. */
int expected_load(const struct context *context, struct arena *memory, const char *domain,
		  struct expected *ret_expected, struct error *err);

/* Finds why a domain is not served: its row, the pattern that covers it, or the domain that it is
 * an alias of may be disabled. ret_reason becomes "'example.org' is disabled" with a hint, or an
 * empty text. Returns 0, or -1 with err set. */
int expected_find_disabled(struct store *store, struct arena *memory, const char *domain,
			   struct error *ret_reason, struct error *err);

/* The keys of this server's certificates for the names of the domain. */
int expected_keys(struct arena *memory, const struct expected *expected,
		  const struct certificates *certificates, const struct name_key **ret_keys,
		  size_t *ret_count, struct error *err);

/* The records that the domain should have. target overrides the public name: a host name, or
 * addresses with commas between them; or NULL. Returns 0, or -1 with err set. */
int expected_records(struct arena *memory, const struct expected *expected, const char *target,
		     const struct name_key *keys, size_t n_keys, struct wanted *ret_wanted,
		     struct error *err);
