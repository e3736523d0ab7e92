#pragma once

/* The names of a set of certificates: an array of (name, certificate) pairs, sorted by name and
 * then by preference, that is searched by halves. */

#include <gnutls/gnutls.h>

#include "util/base.h"

struct certificate;
struct name_pair;

struct name_index {
	struct name_pair *pairs;
	size_t n_pairs;
};

/* Lives in memory, and borrows the certificates. Of those with the same name the order is: valid on
 * this day before others, ECDSA and EdDSA before RSA, later expiry first, then as they are given.
 */
void name_index_build(struct name_index *index, struct arena *memory,
		      const struct certificate *const *certificates, size_t count);

/* The first certificate with exactly this name, which is in lower case, whose key algorithm is
 * among pk_algos; all are where n_pk_algos is 0. NULL where there is none. */
const struct certificate *name_index_find(const struct name_index *index, const char *name,
					  const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos);

/* Whether the certificate's key algorithm is among pk_algos, likewise. */
bool certificate_fits(const struct certificate *certificate, const gnutls_pk_algorithm_t *pk_algos,
		      int n_pk_algos);
