/*
 * GnuTLS copies the text of a key while it decodes PEM, and leaves the copies behind in memory that
 * it frees; what it decodes from DER it wipes. So nettle decodes the text.
 *
 * That a key belongs to a certificate is proved in two steps: checking its parameters computes the
 * public half from the secret one, because the file of an EC key states it and may lie; then the
 * public half is compared with the certificate's. Both together take a third of the time of signing
 * and verifying something.
 */

#include "tls/key.h"

#include <gnutls/x509.h>
#include <nettle/base64.h>

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

static bool text_has(const char *text, size_t length, const char *word)
{
	return memmem(text, length, word, strlen(word)) != NULL;
}

static bool label_is(const char *label, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(label, word, length) == 0;
}

static const char *find_text(const char *at, const char *end, const char *text)
{
	return memmem(at, (size_t)(end - at), text, strlen(text));
}

/* Where the block ends whose label was before this place: after its end mark, or where the next
 * block begins if that was lost. */
static const char *block_end(const char *at, const char *end)
{
	static const char mark[] = "-----END ", dashes[] = "-----";
	const char *next = find_text(at, end, "-----BEGIN ");

	end = next ? next : end;
	at = find_text(at, end, mark);
	at = at ? find_text(at + sizeof(mark) - 1, end, dashes) : NULL;
	return at ? at + sizeof(dashes) - 1 : end;
}

/*
 *     -----BEGIN EC PRIVATE KEY-----
 *     Proc-Type: 4,ENCRYPTED              (in the older form, RFC 1421 4.6.1.1)
 *     -----END EC PRIVATE KEY-----
 */
struct pem_content pem_scan(const char *data, size_t size)
{
	static const char mark[] = "-----BEGIN ";
	const char *end = data + size, *at = data;
	struct pem_content content = { 0 };

	while ((at = find_text(at, end, mark))) {
		const char *label = at + sizeof(mark) - 1, *stop;
		const char *after = find_text(label, end, "-----");
		size_t length = after ? (size_t)(after - label) : 0;

		if (!after)
			break;
		stop = block_end(after, end);
		content.blocks++;
		if (label_is(label, length, "CERTIFICATE") ||
		    label_is(label, length, "X509 CERTIFICATE"))
			content.certificates++;
		if (text_has(label, length, "PRIVATE KEY") && content.keys++ == 0) {
			content.key.data = (unsigned char *)at;
			content.key.size = (unsigned)(stop - at);
			content.key_is_encrypted = text_has(at, (size_t)(stop - at), "ENCRYPTED");
		}
		at = stop;
	}
	return content;
}

/*
 * -----BEGIN EC PRIVATE KEY-----
 * MHcC...
 * -----END EC PRIVATE KEY-----
 */
static int decode_block(const gnutls_datum_t *pem, struct arena *secret, gnutls_datum_t *ret_der)
{
	const char *end = (const char *)pem->data + pem->size;
	const char *begin = find_text((const char *)pem->data, end, "PRIVATE KEY-----"), *stop;
	struct base64_decode_ctx base64;
	size_t size;

	if (!begin)
		return GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR;
	begin += strlen("PRIVATE KEY-----");
	stop = find_text(begin, end, "-----END ");
	if (!stop)
		return GNUTLS_E_BASE64_DECODING_ERROR;
	size = BASE64_DECODE_LENGTH((size_t)(stop - begin));
	ret_der->data = arena_alloc(secret, size);
	base64_decode_init(&base64);
	if (!base64_decode_update(&base64, &size, ret_der->data, (size_t)(stop - begin), begin) ||
	    !base64_decode_final(&base64))
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
		return error_set(err, ERROR_TLS, "cannot read the private key in '%s': %s", file,
				 gnutls_strerror(result));
	algorithm = gnutls_x509_privkey_get_pk_algorithm(parsed);
	if (!algorithm_is_served(algorithm)) {
		error_set(err, ERROR_TLS, "the private key in '%s' is %s, which is not supported",
			  file, gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm));
		return error_hint(err, "use ECDSA P-256 or RSA");
	}
	if ((result = gnutls_x509_privkey_verify_params(parsed)) < 0)
		return error_set(err, ERROR_TLS, "the private key in '%s' is invalid: %s", file,
				 gnutls_strerror(result));

	if ((result = gnutls_privkey_init(&key)) < 0)
		return error_set(err, ERROR_TLS, "%s", gnutls_strerror(result));
	result = gnutls_privkey_import_x509(key, parsed, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	if (result < 0) {
		gnutls_privkey_deinit(key);
		return error_set(err, ERROR_TLS, "cannot use the private key in '%s': %s", file,
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

bool datum_equals(const gnutls_datum_t *a, const gnutls_datum_t *b)
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
