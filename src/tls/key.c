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

DEFINE_CLEANUP(gnutls_privkey_t, gnutls_privkey_deinit);
DEFINE_CLEANUP(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit);

static bool label_is(const char *label, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(label, word, length) == 0;
}

static const char *find_text(const char *at, const char *end, const char *text)
{
	return memmem(at, (size_t)(end - at), text, strlen(text));
}

/*
 *     -----BEGIN EC PRIVATE KEY-----
 *     Proc-Type: 4,ENCRYPTED              (in the older form, RFC 1421 4.6.1.1)
 *     -----END EC PRIVATE KEY-----
 */
struct pem_content pem_scan(const char *data, size_t size)
{
	static const char begin[] = "-----BEGIN ", dashes[] = "-----";
	const char *end = data + size, *at = data;
	struct pem_content content = { 0 };

	while ((at = find_text(at, end, begin))) {
		const char *label = at + strlen(begin), *after = find_text(label, end, dashes);
		size_t length = after ? (size_t)(after - label) : 0;
		const char *stop, *mark;

		if (!after)
			break;
		/* After its end mark, or where the next block begins if that was lost. */
		stop = find_text(after, end, begin) ?: end;
		mark = find_text(after, stop, "-----END ");
		mark = mark ? find_text(mark + strlen("-----END "), stop, dashes) : NULL;
		stop = mark ? mark + strlen(dashes) : stop;
		content.blocks++;
		if (label_is(label, length, "CERTIFICATE") ||
		    label_is(label, length, "X509 CERTIFICATE"))
			content.certificates++;
		if (find_text(label, after, "PRIVATE KEY") && content.keys++ == 0) {
			content.key.data = (unsigned char *)at;
			content.key.size = (unsigned)(stop - at);
			content.key_is_encrypted = find_text(at, stop, "ENCRYPTED");
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

/* Whether it is the public half: SHA-256 over both as a SubjectPublicKeyInfo is the same. */
static bool is_public_half(gnutls_x509_privkey_t key, gnutls_pubkey_t public_key)
{
	unsigned char own[32], certified[32];
	size_t own_size = sizeof(own), size = sizeof(certified);

	return gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, own, &own_size) == 0 &&
	       gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, certified, &size) ==
		       0 &&
	       memcmp(own, certified, sizeof(own)) == 0;
}

int key_import(const char *file, const gnutls_datum_t *pem, const char *certificate_file,
	       gnutls_pubkey_t public_key, gnutls_privkey_t *ret_key, struct error *err)
{
	_cleanup_(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t parsed = NULL;
	_cleanup_(gnutls_privkey_deinitp) gnutls_privkey_t key = NULL;
	_cleanup_(arena_wipe) struct arena secret = ARENA_NULL;
	gnutls_datum_t der;
	int algorithm, result;

	if ((result = decode_block(pem, &secret, &der)) < 0 ||
	    (result = gnutls_x509_privkey_init(&parsed)) < 0 ||
	    (result = gnutls_x509_privkey_import(parsed, &der, GNUTLS_X509_FMT_DER)) < 0)
		return error_set(err, ERROR_TLS, "cannot read the private key in '%s': %s", file,
				 gnutls_strerror(result));
	algorithm = gnutls_x509_privkey_get_pk_algorithm(parsed);
	if (algorithm != GNUTLS_PK_RSA && algorithm != GNUTLS_PK_RSA_PSS &&
	    algorithm != GNUTLS_PK_ECDSA && algorithm != GNUTLS_PK_EDDSA_ED25519) {
		error_set(err, ERROR_TLS, "the private key in '%s' is %s, which is not supported",
			  file, gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm));
		return error_hint(err, "use ECDSA P-256 or RSA");
	}
	if ((result = gnutls_x509_privkey_verify_params(parsed)) < 0)
		return error_set(err, ERROR_TLS, "the private key in '%s' is invalid: %s", file,
				 gnutls_strerror(result));
	if (!is_public_half(parsed, public_key)) {
		error_set(
			err, ERROR_TLS,
			"the private key in '%s' does not belong to the first certificate in '%s'",
			file, certificate_file);
		return error_hint(err,
				  "put the key's own certificate first and its chain after it");
	}
	if ((result = gnutls_privkey_init(&key)) < 0 ||
	    (result = gnutls_privkey_import_x509(key, parsed, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE)) <
		    0)
		return error_set(err, ERROR_TLS, "cannot use the private key in '%s': %s", file,
				 gnutls_strerror(result));
	parsed = NULL;
	*ret_key = TAKE(key);
	return 0;
}