/* That a digest cannot be made happens only where memory, or GnuTLS itself, is broken; it ends the
 * process as being out of memory does. */

#include "util/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <endian.h>
#include <sys/random.h>

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

bool md5_parse(const char *text, struct md5 *ret_md5)
{
	if (strlen(text) != 2 * sizeof(ret_md5->bytes))
		return false;
	for (size_t i = 0; i < sizeof(ret_md5->bytes); i++) {
		int byte = hex_byte(text + 2 * i);

		if (byte < 0)
			return false;
		ret_md5->bytes[i] = (unsigned char)byte;
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

struct hash_key hash_key_new(void)
{
	struct hash_key key;

	if (getrandom(key.bytes, sizeof(key.bytes), 0) != sizeof(key.bytes))
		abort();
	return key;
}

static uint64_t read_word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

static uint64_t rotate_left(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], unsigned rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate_left(v[1], 13) ^ v[0];
		v[3] = rotate_left(v[3], 16) ^ v[2];
		v[0] = rotate_left(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate_left(v[1], 17) ^ v[2];
		v[3] = rotate_left(v[3], 21) ^ v[0];
		v[2] = rotate_left(v[2], 32);
	}
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

uint64_t hash_of(const struct hash_key *key, const void *data, size_t size)
{
	const uint64_t k0 = read_word(key->bytes), k1 = read_word(key->bytes + 8);
	/* "somepseudorandomlygeneratedbytes" */
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			  k1 ^ 0x7465646279746573 };
	const uint8_t *bytes = data;
	uint8_t last[8] = { 0 };
	size_t rest = size % 8;

	for (const uint8_t *end = bytes + size - rest; bytes < end; bytes += 8)
		sip_word(v, read_word(bytes));
	if (rest)
		memcpy(last, bytes, rest);
	last[7] = (uint8_t)size;
	sip_word(v, read_word(last));
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
