#pragma once

/* The certificate authorities that this system trusts. */

#include "util/cleanup.h"

struct arena;
struct certificate;
struct trust_store;

/* Reads them; of a system without a store there are none. */
struct trust_store *trust_store_open(void);
void trust_store_close(struct trust_store *store);
DEFINE_CLEANUP(struct trust_store *, trust_store_close);

/* The warning that the file of a certificate lacks the chain: the issuer's certificate is neither
 * in the file nor a root of the store. NULL where nothing is missing. Lives in memory. */
const char *trust_store_chain_warning(const struct trust_store *store, struct arena *memory,
				      const struct certificate *certificate);
