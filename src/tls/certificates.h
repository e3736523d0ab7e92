#pragma once

/*
 * A set of certificates with their keys, found by the name a client asks for (RFC 6066 3, SNI).
 * A set never changes once it is loaded: reload makes a new one, and each connection holds a
 * reference to the one it began with.
 */

#include <stdbool.h>
#include <stddef.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "util/cleanup.h"

struct arena;
struct certificates;
struct error;

/* One certificate with its chain and key, as GnuTLS wants it handed over. Owned by its set. */
struct certificate {
	const char *file;	/* for messages */
	gnutls_pcert_st *chain; /* the leaf first */
	unsigned chain_length;
	gnutls_privkey_t key;
	gnutls_pk_algorithm_t algorithm; /* of the key: RSA, ECDSA, EdDSA */
	time_t expires;
	const char *const *names; /* its SAN names, lower case; n_names of them */
	size_t n_names;
};

struct certificates_options {
	const char *const *globs; /* n_globs patterns of files or directories */
	size_t n_globs;
	const char *default_name; /* a client without SNI gets the certificate for this name ... */
	bool name_is_required; /* ... which must then be there; otherwise the first file serves */
};

/*
 * Expands the globs to the files that they name, sorted, each once: a PEM file with chain and key,
 * or for a directory its fullchain.pem (the key beside it in privkey.pem). Lives in memory.
 * Returns 0, or -1 with err set where a glob matches nothing; the sentence names the glob.
 */
int certificates_find_files(struct arena *memory, const char *const *globs, size_t n_globs,
			    const char *const **ret_files, size_t *ret_count, struct error *err);

/*
 * Loads all files that the globs name. Every file is read, and every key checked against its leaf.
 * Returns 0 with a reference that the caller owns, or -1 with err set to a sentence that names the
 * file. Warnings (expired, no names, RSA above 2048 bits) go to warn, one call each.
 */
typedef void (*certificates_warner)(const char *sentence, void *context);
int certificates_load(const struct certificates_options *options, certificates_warner warn,
		      void *context, struct certificates **ret_certificates, struct error *err);

/* References are counted atomically; the last one frees the set, its keys wiped by GnuTLS. */
struct certificates *certificates_ref(struct certificates *certificates);
void certificates_unref(struct certificates *certificates);
DEFINE_CLEANUP(struct certificates *, certificates_unref);

/*
 * The certificate for a name, in any letter case: an exact name before a wildcard, which covers one
 * label. Of several, the first in the set's order (ECDSA before RSA, later expiry first) whose key
 * algorithm is among pk_algos; all will do where n_pk_algos is 0. NULL where none fits.
 */
const struct certificate *certificates_match(const struct certificates *certificates,
					     const char *name,
					     const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos);

/* The certificate for a client that names nothing, chosen likewise among those that have the
 * default name. */
const struct certificate *certificates_default(const struct certificates *certificates,
					       const gnutls_pk_algorithm_t *pk_algos,
					       int n_pk_algos);

/* All of them, in the order of files. */
size_t certificates_count(const struct certificates *certificates);
const struct certificate *certificates_at(const struct certificates *certificates, size_t index);
