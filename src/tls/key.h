#pragma once

/* PEM (RFC 7468), and private keys in it of the kinds that a server can use: RSA, RSA-PSS, ECDSA
 * and Ed25519. */

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "util/base.h"

/* A key with a whole chain takes some 10 KiB; what is larger is something else. */
#define CERTIFICATE_FILE_LIMIT ((size_t)256 * 1024)

struct pem_content {
	unsigned blocks, certificates, keys;
	gnutls_datum_t key; /* the first block of a key, its marks included; within the data */
	bool key_is_encrypted;
};

/* Counts the blocks, by their labels alone. */
struct pem_content pem_scan(const char *data, size_t size);

/* Reads a key that is not encrypted, and checks that its secret half makes its public half, which
 * is that of the certificate. Returns 0, or -1 with err set to a sentence that names the file. */
int key_import(const char *file, const gnutls_datum_t *pem, const char *certificate_file,
	       gnutls_pubkey_t public_key, gnutls_privkey_t *ret_key, struct error *err);
