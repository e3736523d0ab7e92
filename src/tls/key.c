/*
 * GnuTLS copies the text of a key while it decodes PEM, and leaves the copies behind in memory that
 * it frees; what it decodes from DER it wipes. So the text is decoded here.
 *
 * That a key belongs to a certificate is proved in two steps: checking its parameters computes the
 * public half anew from the secret one, as the file of an EC key states it and may lie; then the
 * public half is compared with the certificate's. Both together take a third of the time of signing
 * and verifying something.
 */

#include "tls/key.h"

#include <string.h>
#include <gnutls/x509.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"

DEFINE_CLEANUP(gnutls_pubkey_t, gnutls_pubkey_deinit);
DEFINE_CLEANUP(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit);

static bool algorithm_is_served(int algorithm)
{
	switch (algorithm) {
	case GNUTLS_PK_RSA:
	case GNUTLS_PK_RSA_PSS:
	case GNUTLS_PK_ECDSA:
	case GNUTLS_PK_EDDSA_ED25519:
		return true;
	default:
		return false;
	}
}

static int value_of(char digit)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Base64 with line breaks (RFC 7468 3). Returns whether it is that. */
static bool decode(const char *text, size_t length, unsigned char *ret_data, size_t *ret_size)
{
	unsigned bits = 0, count = 0;
	size_t size = 0, i;

	for (i = 0; i < length && text[i] != '='; i++) {
		int value = value_of(text[i]);

		if (char_is_blank(text[i]))
			continue;
		if (value < 0)
			return false;
		bits = bits << 6 | (unsigned)value;
		if (++count % 4 != 1)
			ret_data[size++] = (unsigned char)(bits >> (6 - 2 * ((count - 1) % 4)));
	}
	for (; i < length; i++)
		if (text[i] != '=' && !char_is_blank(text[i]))
			return false;
	*ret_size = size;
	return true;
}

/*
 * -----BEGIN EC PRIVATE KEY-----
 * MHcC...
 * -----END EC PRIVATE KEY-----
 */
static int decode_block(const gnutls_datum_t *pem, struct arena *secret, gnutls_datum_t *ret_der)
{
	static const char mark[] = "PRIVATE KEY-----", end_mark[] = "-----END ";
	const char *end = (const char *)pem->data + pem->size;
	const char *begin = memmem(pem->data, pem->size, mark, sizeof(mark) - 1), *stop;
	size_t size;

	if (!begin)
		return GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR;
	begin += sizeof(mark) - 1;
	stop = memmem(begin, (size_t)(end - begin), end_mark, sizeof(end_mark) - 1);
	if (!stop)
		return GNUTLS_E_BASE64_DECODING_ERROR;
	ret_der->data = arena_alloc(secret, (size_t)(stop - begin));
	if (!decode(begin, (size_t)(stop - begin), ret_der->data, &size))
		return GNUTLS_E_BASE64_DECODING_ERROR;
	ret_der->size = (unsigned)size;
	return 0;
}

int key_import(const char *file, const gnutls_datum_t *pem, gnutls_privkey_t *ret_key,
	       struct error *err)
{
	_cleanup_(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t parsed = NULL;
	_cleanup_(arena_wipe) struct arena secret = ARENA_NULL;
	gnutls_privkey_t key;
	gnutls_datum_t der;
	int algorithm, result;

	if ((result = decode_block(pem, &secret, &der)) < 0 ||
	    (result = gnutls_x509_privkey_init(&parsed)) < 0 ||
	    (result = gnutls_x509_privkey_import(parsed, &der, GNUTLS_X509_FMT_DER)) < 0)
		return error_set(err, ERROR_TLS, "the private key in '%s' cannot be read: %s", file,
				 gnutls_strerror(result));
	algorithm = gnutls_x509_privkey_get_pk_algorithm(parsed);
	if (!algorithm_is_served(algorithm))
		return error_set(
			err, ERROR_TLS,
			"the private key in '%s' is of the kind %s; use ECDSA P-256, or RSA", file,
			gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm));
	if ((result = gnutls_x509_privkey_verify_params(parsed)) < 0)
		return error_set(err, ERROR_TLS, "the private key in '%s' is damaged: %s", file,
				 gnutls_strerror(result));

	if ((result = gnutls_privkey_init(&key)) < 0)
		return error_set(err, ERROR_TLS, "%s", gnutls_strerror(result));
	result = gnutls_privkey_import_x509(key, parsed, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	if (result < 0) {
		gnutls_privkey_deinit(key);
		return error_set(err, ERROR_TLS, "the private key in '%s' cannot be used: %s", file,
				 gnutls_strerror(result));
	}
	parsed = NULL;
	*ret_key = key;
	return 0;
}

/* The numbers that make up a public key: modulus and exponent, or the point on its curve. */
struct numbers {
	gnutls_ecc_curve_t curve;
	gnutls_datum_t first, second;
};

static void numbers_clear(struct numbers *numbers)
{
	gnutls_free(numbers->first.data);
	gnutls_free(numbers->second.data);
}

static bool export_numbers(gnutls_pubkey_t key, struct numbers *ret_numbers)
{
	int algorithm = gnutls_pubkey_get_pk_algorithm(key, NULL);

	if (algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS)
		return gnutls_pubkey_export_rsa_raw(key, &ret_numbers->first,
						    &ret_numbers->second) == 0;
	return gnutls_pubkey_export_ecc_raw(key, &ret_numbers->curve, &ret_numbers->first,
					    &ret_numbers->second) == 0;
}

static bool datum_equals(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool public_keys_are_equal(gnutls_pubkey_t a, gnutls_pubkey_t b)
{
	_cleanup_(numbers_clear) struct numbers of_a = { 0 };
	_cleanup_(numbers_clear) struct numbers of_b = { 0 };

	return gnutls_pubkey_get_pk_algorithm(a, NULL) == gnutls_pubkey_get_pk_algorithm(b, NULL) &&
	       export_numbers(a, &of_a) && export_numbers(b, &of_b) && of_a.curve == of_b.curve &&
	       datum_equals(&of_a.first, &of_b.first) && datum_equals(&of_a.second, &of_b.second);
}

bool key_belongs_to(gnutls_privkey_t key, gnutls_pubkey_t public_key)
{
	_cleanup_(gnutls_pubkey_deinitp) gnutls_pubkey_t public_half = NULL;

	return gnutls_pubkey_init(&public_half) == 0 &&
	       gnutls_pubkey_import_privkey(public_half, key, 0, 0) == 0 &&
	       public_keys_are_equal(public_half, public_key);
}
