#pragma once

/*
 * A set of certificates with their keys, found by the name a client asks for (RFC 6066 3, SNI).
 * A set never changes once it is loaded: reload makes a new one, which shares with the old one what
 * has not changed, and each connection holds a reference to the one it began with.
 */

#include <stdbool.h>
#include <stddef.h>
#include <gnutls/gnutls.h>

#include "tls/certificate-file.h"
#include "util/cleanup.h"

struct arena;
struct certificates;
struct error;
struct watch;

struct certificates_options {
	const char *const *globs; /* n_globs patterns of files or directories */
	size_t n_globs;
	const char *default_name; /* a client without SNI gets the certificate for this name ... */
	bool name_is_required; /* ... which must then be there; otherwise the first file serves */

	/*
	 * The set to be replaced, NULL at the start. From it comes what has not changed since, what
	 * is being written at the moment, and what cannot be loaded: that is told to warn, once
	 * unless it says something else the next time. A new file that cannot be loaded is left
	 * out. Without it, the first such file ends the loading.
	 */
	const struct certificates *previous;
	const struct watch *watch; /* knows what is being written; NULL: nothing is */
	bool repeats_failures;	   /* tell again what was told before: somebody asked for it */
};

/*
 * Loads all files that the globs name. Every file is read, and every key checked against its leaf.
 * Returns 0 with a reference that the caller owns, CERTIFICATES_NONE, or -1 with err set to a
 * sentence that names the file. Warnings go to warn, one call each: of a certificate when it is
 * read (expired, no names, RSA above 2048 bits, ...), and of a glob that matches nothing, where
 * others do.
 */
int certificates_load(const struct certificates_options *options, certificates_warner warn,
		      void *context, struct certificates **ret_certificates, struct error *err);

/* References are counted atomically; the last one frees the set, its keys wiped by GnuTLS. */
struct certificates *certificates_ref(struct certificates *certificates);
void certificates_unref(struct certificates *certificates);
DEFINE_CLEANUP(struct certificates *, certificates_unref);

/*
 * The certificate for a name, in any letter case: an exact name before a wildcard, which covers one
 * label. Of several, the first in the set's order whose key algorithm is among pk_algos; all will
 * do where n_pk_algos is 0. NULL where none fits. The order: what is valid on the day of loading
 * before what is not, ECDSA and EdDSA before RSA, later expiry first, then by file.
 *
 * GnuTLS leaves the pk_algos of its certificate callback empty on the server's side: those of a
 * client come from client_algorithms().
 */
const struct certificate *certificates_match(const struct certificates *certificates,
					     const char *name,
					     const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos);

/* The certificate for a client that names nothing, chosen likewise among those that have the
 * default name. Where none has: the first file, or if that does not fit, what fits of those that
 * share its first name. */
const struct certificate *certificates_default(const struct certificates *certificates,
					       const gnutls_pk_algorithm_t *pk_algos,
					       int n_pk_algos);

/* Whether a client that can use this certificate's kind of key alone gets it, for one of its names
 * or for none. Another of the set may be the better one for all of them. */
bool certificates_serve(const struct certificates *certificates,
			const struct certificate *certificate);

/* Whether some file of the globs could not be loaded; what it had before is served on. */
bool certificates_have_failures(const struct certificates *certificates);

/* All of them, in the order of files. */
size_t certificates_count(const struct certificates *certificates);
const struct certificate *certificates_at(const struct certificates *certificates, size_t index);

/* How many of the set's certificates the other does not share; all of them where it is NULL. */
size_t certificates_count_new(const struct certificates *certificates,
			      const struct certificates *other);
