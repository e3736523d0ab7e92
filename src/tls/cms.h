#pragma once

/*
 * CMS SignedData (RFC 5652 5) in DER, as configuration profiles are signed: a document with its
 * signature and the certificate chain of the signer. A signer never changes once it is loaded, and
 * threads share it.
 */

#include "tls/certificate.h"
#include "util/base.h"

struct signer;

/*
 * Loads PEM files, as certificate_file_load() does: the certificate with its chain, and its key,
 * RSA or ECDSA, which may be in the same file and is proved to sign. Returns 0 with a reference
 * that the caller owns, or -1 with err set to a sentence that names the file.
 */
int signer_load(const char *certificate_file, const char *key_file, certificates_warner warn,
		void *context, struct signer **ret_signer, struct error *err);

/* References are counted atomically; NULL is none. The last one frees the signer, its key wiped by
 * GnuTLS. */
struct signer *signer_ref(struct signer *signer);
void signer_unref(struct signer *signer);
DEFINE_CLEANUP(struct signer *, signer_unref);

/* Signs size bytes with SHA-256 and the time of now. The result lives in memory. Returns 0, or -1
 * with err set. */
int signer_sign(const struct signer *signer, struct arena *memory, const char *data, size_t size,
		const char **ret_signed, size_t *ret_size, struct error *err);

/* Returns what is signed inside DER. The signature must be that of a certificate inside; who issued
 * that is not checked. The result lives in memory. Returns 0, or -1 with err set. */
int cms_unwrap(struct arena *memory, const char *data, size_t size, const char **ret_data,
	       size_t *ret_size, struct error *err);
