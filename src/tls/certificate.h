#pragma once

/* One certificate with its chain and key, as GnuTLS wants it handed over. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

struct arena;
struct digest;
struct error;

/* A key with a whole chain takes some 10 KiB; what is larger is something else. */
#define CERTIFICATE_FILE_LIMIT ((size_t)256 * 1024)
#define CERTIFICATE_CHAIN_LIMIT 16

/* Of a pair, the file of the chain and the file of the key beside it. */
#define CERTIFICATE_PAIR_CHAIN "fullchain.pem"
#define CERTIFICATE_PAIR_KEY "privkey.pem"

/* Strings and arrays live in the arena that it was loaded into. */
struct certificate {
	const char *file;	/* for messages */
	gnutls_pcert_st *chain; /* the leaf first, without a root */
	unsigned chain_length;
	gnutls_privkey_t key;
	gnutls_pk_algorithm_t algorithm; /* of the key: RSA, RSA-PSS, ECDSA, EdDSA */
	time_t starts, expires;
	const char *const *names; /* the DNS names in its SAN, lower case, some "*.parent" */
	size_t n_names;
};

/* Is told, one sentence a call, of what can be used but deserves the operator's eye. */
typedef void (*certificates_warner)(const char *sentence, void *context);

/*
 * Loads a PEM file: the leaf first, its chain in any order, the key anywhere. A file named
 * fullchain.pem without a key takes that of the privkey.pem beside it. The key is proved to be the
 * leaf's.
 * Returns 0, or -1 with err set to a sentence that names the file.
 */
int certificate_load(struct arena *memory, const char *file, certificates_warner warn,
		     void *context, struct certificate *ret_certificate, struct error *err);

/* What tells whether the files of a certificate are still those that it was loaded from. A key that
 * does not stand beside the chain has zeroes. */
struct certificate_stamp {
	struct file_stamp {
		dev_t device;
		ino_t number;
		off_t size;
		struct timespec written, changed;
	} chain, key;
};

/* As the files are at this moment; to be taken before they are loaded. */
struct certificate_stamp certificate_stamp_take(const char *file);
bool certificate_stamp_equals(const struct certificate_stamp *a, const struct certificate_stamp *b);

/* The same from bytes: those of the file and, where they stand in a file of their own, those of
 * the key (else NULL). */
struct certificate_source {
	const char *file, *key_file;
	const char *data, *key_data;
	size_t size, key_size;
};
int certificate_parse(struct arena *memory, const struct certificate_source *source,
		      certificates_warner warn, void *context, struct certificate *ret_certificate,
		      struct error *err);

/* The SHA-256 of the leaf's public key with its kind (SubjectPublicKeyInfo), as in a TLSA record
 * "3 1 1". Returns 0, or -1 with err set. */
int certificate_key_digest(const struct certificate *certificate, struct digest *ret_digest,
			   struct error *err);

/* "ECDSA 256", "RSA 2048", "Ed25519". Lives in memory. */
const char *certificate_key_kind(struct arena *memory, const struct certificate *certificate);

/* Releases what GnuTLS holds; the key is wiped. */
void certificate_clear(struct certificate *certificate);
