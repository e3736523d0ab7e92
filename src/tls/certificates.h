#pragma once

/*
 * A set of certificates with their keys, found by the name a client asks for (RFC 6066 3, SNI).
 * A set never changes once it is loaded: reload makes a new one, which shares with the old one what
 * has not changed, and each connection holds a reference to the one it began with.
 */

#include <gnutls/gnutls.h>

#include "tls/certificate-file.h"
#include "util/base.h"

struct certificates;
struct watch;

struct certificates_options {
	const char *const *globs; /* n_globs patterns of files or directories */
	size_t n_globs;
	/* A client without SNI gets the certificate for this name; where there is none, that of the
	 * first file, which is an error if the name is required. */
	const char *default_name;
	bool name_is_required;

	/* What is served while no file can be used: a self-signed certificate for this name, which
	 * is created in this file. NULL: none. */
	const char *stand_in_file, *stand_in_name;

	certificates_warner fail; /* gets errors; NULL: warn gets them */

	/*
	 * The set to be replaced, NULL at the start. A file that has not changed since, or that
	 * cannot be loaded now, or whose directory cannot be read now, keeps its certificate of
	 * this set; when no file can be used, all of this set stays in use. Errors that it had are
	 * not reported again.
	 */
	const struct certificates *previous;
	const struct watch *watch; /* knows which files are being written; NULL: none */
	bool repeats_failures;	   /* report again what was reported before */
};

/* Unusable files that one load reports one by one; of the others it reports the number. */
#define CERTIFICATES_REPORTED_MAX 20

/*
 * Loads all files that the globs name. Every file is read, and every key checked against its leaf.
 * A file that cannot be used is left out and reported as an error that names it. Warnings: of a
 * certificate when it is read (expired, no names, RSA above 2048 bits, ...), and of a glob that
 * matches nothing.
 * Returns 0 with a reference that the caller owns. Without a previous set or a stand-in:
 * CERTIFICATES_NONE where there are no files, or -1 where none can be used. -1 also where the
 * stand-in cannot be created. err is set.
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
 * client come from client_hello_algorithms().
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

/* Whether the set is what the options ask for: every file could be used, and the required default
 * name is there. */
bool certificates_are_complete(const struct certificates *certificates);

/* Whether the set is the self-signed stand-in. */
bool certificates_are_stand_in(const struct certificates *certificates);

/* The files that cannot be used, and the directories that cannot be read. Where a file was loaded
 * before, that certificate is still in the set. */
size_t certificates_count_unusable(const struct certificates *certificates);
const char *certificates_unusable_file(const struct certificates *certificates, size_t index);

/* All of them, in the order of files. */
size_t certificates_count(const struct certificates *certificates);
const struct certificate *certificates_at(const struct certificates *certificates, size_t index);

/* How many of the set's certificates the other does not share; all of them where it is NULL. */
size_t certificates_count_new(const struct certificates *certificates,
			      const struct certificates *other);
