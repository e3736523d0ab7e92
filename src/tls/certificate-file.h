#pragma once

/* Files of certificates: loaded, created, and checked for changes. */

#include "tls/certificate.h"
#include "util/base.h"

/*
 * Loads a PEM file, as certificate_parse() reads it, with the key in another file; with NULL, its
 * own key or, if it has none, that of the file beside it which layout_key_of() names. A key_file
 * means that it signs profiles: the certificate may be must-staple then. Returns 0, or -1 with err
 * set to a sentence that names the file.
 */
int certificate_file_load(struct arena *memory, const char *file, const char *key_file,
			  certificates_warner warn, void *context,
			  struct certificate *ret_certificate, struct error *err);

/* Identifies the versions of the files that a certificate was loaded from. A key that
 * is not a file beside the chain has zeroes. Without padding, because it is compared by its bytes.
 */
struct certificate_stamp {
	struct file_stamp {
		uint64_t device, number;
		int64_t size, written, changed; /* bytes; nanoseconds of the clock */
	} chain, key;
};

/* As the files are at this moment; to be taken before they are loaded. */
struct certificate_stamp certificate_stamp_take(const char *file);
bool certificate_stamp_equals(const struct certificate_stamp *a, const struct certificate_stamp *b);

/* Makes sure that the file has a self-signed certificate for the name that is valid for another
 * month, with its key (ECDSA P-256), readable by its owner alone: it is served until there is a
 * real one. No client trusts it. Returns 0, or -1 with err set. */
int certificate_file_self_sign(const char *file, const char *name, struct error *err);
