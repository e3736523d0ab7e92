#pragma once

/* One certificate with its chain and key, as GnuTLS wants it handed over. */

#include <time.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "util/base.h"

struct digest;

#define CERTIFICATE_CHAIN_LIMIT 16

/* What the file of a certificate that 'mailconfctl certificate request' made begins with. */
#define CERTIFICATE_REQUESTED "# Requested by mailconfctl from "

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
	bool is_requested; /* by mailconfctl */
	bool has_issuer;   /* the file has the issuer's certificate, or this one is self-signed */
};

/* Gets a warning about a certificate that can be used. Functions accept NULL. */
typedef void (*certificates_warner)(const char *sentence, void *context);

/* Where it comes from: the bytes of a file and, if they are in a file of their own, those of
 * the key (else NULL). */
struct certificate_source {
	const char *file, *key_file;
	const char *data, *key_data;
	size_t size, key_size;
	bool is_for_signing; /* of profiles, not for TLS */
};

/*
 * Reads PEM: the leaf first, its chain in any order, the key anywhere, which is proved to be the
 * leaf's. Returns 0, or -1 with err set to a sentence that names the file.
 */
int certificate_parse(struct arena *memory, const struct certificate_source *source,
		      certificates_warner warn, void *context, struct certificate *ret_certificate,
		      struct error *err);

/* The SHA-256 of the leaf's public key with its kind (SubjectPublicKeyInfo), as in a TLSA record
 * "3 1 1". Returns 0, or -1 with err set. */
int certificate_key_digest(const struct certificate *certificate, struct digest *ret_digest,
			   struct error *err);

/* "ECDSA P-256", "RSA 2048", "Ed25519". Lives in memory. */
const char *certificate_key_kind(struct arena *memory, const struct certificate *certificate);

bool certificate_is_rsa(const struct certificate *certificate);

/* "2026-11-30", in UTC. Lives in memory. */
const char *certificate_date(struct arena *memory, time_t when);

/* Why clients reject it at this time: "expired on 2026-11-30", "not valid before 2026-11-30"; NULL
 * where it is valid. Lives in memory. */
const char *certificate_date_problem(struct arena *memory, const struct certificate *certificate,
				     time_t now);

/* Releases what GnuTLS holds; the key is wiped. */
void certificate_clear(struct certificate *certificate);

/* Reads the certificate authorities that this system trusts: none if it has no store of them. */
gnutls_x509_trust_list_t trust_store_open(void);
void trust_store_close(gnutls_x509_trust_list_t store);
DEFINE_CLEANUP(gnutls_x509_trust_list_t, trust_store_close);

/* The warning that the file of a certificate lacks the chain: the issuer's certificate is neither
 * in the file nor a root of the store. NULL where nothing is missing. Lives in memory. */
const char *trust_store_chain_warning(gnutls_x509_trust_list_t store, struct arena *memory,
				      const struct certificate *certificate);
