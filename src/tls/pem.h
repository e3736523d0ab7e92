#pragma once

/* What stands between the marks of PEM (RFC 7468), as far as certificates need it. */

#include <stdbool.h>
#include <stddef.h>
#include <gnutls/gnutls.h>

struct pem_content {
	unsigned blocks, certificates, keys;
	gnutls_datum_t key; /* the first block of a key, its marks included; within the data */
	bool key_is_encrypted;
};

/* Counts the blocks; labels are all that it reads. */
struct pem_content pem_scan(const char *data, size_t size);
