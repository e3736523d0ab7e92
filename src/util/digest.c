/* That a digest cannot be made happens only where memory, or GnuTLS itself, is broken; it ends the
 * process as being out of memory does. */

#include "util/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "util/arena.h"

struct digest digest_of(const void *data, size_t size)
{
	struct digest digest;

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, size, digest.bytes) < 0)
		abort();
	return digest;
}

struct digest digest_with_key(const struct digest_key *key, const void *data, size_t size)
{
	struct digest digest;

	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key->bytes, sizeof(key->bytes), data, size,
			     digest.bytes) < 0)
		abort();
	return digest;
}

const char *digest_base64(struct arena *memory, const struct digest *digest)
{
	const gnutls_datum_t bytes = { (unsigned char *)digest->bytes, sizeof(digest->bytes) };
	gnutls_datum_t encoded = { 0 };
	const char *text;

	if (gnutls_base64_encode2(&bytes, &encoded) < 0)
		abort();
	text = arena_strndup(memory, (const char *)encoded.data, encoded.size);
	gnutls_free(encoded.data);
	return text;
}
