/* That a digest cannot be made happens only where memory, or GnuTLS itself, is broken; it ends the
 * process as being out of memory does. */

#include "util/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"

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

/* Where FIPS 140 is enforced GnuTLS has MD5 only for who says that nothing depends on it. */
bool md5_of(const void *data, size_t size, struct md5 *ret_md5)
{
	int r;

	gnutls_fips140_set_mode(GNUTLS_FIPS140_LAX, GNUTLS_FIPS140_SET_MODE_THREAD);
	r = gnutls_hash_fast(GNUTLS_DIG_MD5, data, size, ret_md5->bytes);
	gnutls_fips140_set_mode(GNUTLS_FIPS140_STRICT, GNUTLS_FIPS140_SET_MODE_THREAD);
	return r == 0;
}

static int hex_value(char c)
{
	c = char_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool md5_parse(const char *text, struct md5 *ret_md5)
{
	if (strlen(text) != 2 * sizeof(ret_md5->bytes))
		return false;
	for (size_t i = 0; i < sizeof(ret_md5->bytes); i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_md5->bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

const char *md5_text(struct arena *memory, const struct md5 *md5)
{
	struct bytes text = BYTES_IN(memory);

	for (size_t i = 0; i < sizeof(md5->bytes); i++)
		bytes_add_format(&text, "%02x", md5->bytes[i]);
	return bytes_text(&text);
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
