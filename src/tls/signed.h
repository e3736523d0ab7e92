#pragma once

/* What somebody signed, taken out of the CMS SignedData (RFC 5652 5) around it. */

#include <stddef.h>

struct arena;
struct error;

/* Of the certificates that come with a signature, only so many are tried. */
#define SIGNED_CERTIFICATES_MAX 16

/*
 * Unwraps DER. The signature must be that of a certificate inside; by whom that was issued is not
 * looked at. The result lives in memory. Returns 0, or -1 with err set.
 */
int signed_unwrap(struct arena *memory, const char *data, size_t size, const char **ret_data,
		  size_t *ret_size, struct error *err);
