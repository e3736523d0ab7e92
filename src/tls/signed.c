#include "tls/signed.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs7.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"

DEFINE_CLEANUP(gnutls_pkcs7_t, gnutls_pkcs7_deinit);
DEFINE_CLEANUP(gnutls_pubkey_t, gnutls_pubkey_deinit);
DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);

/* GnuTLS 3.7 loses memory where it verifies with a certificate whose key it cannot read. */
static bool has_key(gnutls_x509_crt_t certificate)
{
	_cleanup_(gnutls_pubkey_deinitp) gnutls_pubkey_t key = NULL;

	return gnutls_pubkey_init(&key) == 0 && gnutls_pubkey_import_x509(key, certificate, 0) == 0;
}

static bool is_signed_by(gnutls_pkcs7_t message, const gnutls_datum_t *der)
{
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t certificate = NULL;

	return gnutls_x509_crt_init(&certificate) == 0 &&
	       gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0 &&
	       has_key(certificate) &&
	       gnutls_pkcs7_verify_direct(message, certificate, 0, NULL, 0) == 0;
}

static bool has_signer(gnutls_pkcs7_t message)
{
	int count = gnutls_pkcs7_get_crt_count(message);

	for (int i = 0; i < count && i < SIGNED_CERTIFICATES_MAX; i++) {
		gnutls_datum_t der = { 0 };
		bool is_signer;

		if (gnutls_pkcs7_get_crt_raw2(message, (unsigned)i, &der) < 0)
			return false;
		is_signer = is_signed_by(message, &der);
		gnutls_free(der.data);
		if (is_signer)
			return true;
	}
	return false;
}

int signed_unwrap(struct arena *memory, const char *data, size_t size, const char **ret_data,
		  size_t *ret_size, struct error *err)
{
	_cleanup_(gnutls_pkcs7_deinitp) gnutls_pkcs7_t message = NULL;
	const gnutls_datum_t input = { (unsigned char *)data, (unsigned)size };
	gnutls_datum_t content = { 0 };
	int result;

	result = gnutls_pkcs7_init(&message);
	if (result == 0)
		result = gnutls_pkcs7_import(message, &input, GNUTLS_X509_FMT_DER);
	if (result == 0)
		result = gnutls_pkcs7_get_embedded_data(message, 0, &content);
	if (result < 0)
		return error_set(err, ERROR_INPUT, "no signed data can be read: %s",
				 gnutls_strerror(result));
	if (!has_signer(message)) {
		gnutls_free(content.data);
		return error_set(err, ERROR_INPUT, "the signature is not right");
	}
	*ret_data = arena_strndup(memory, content.size ? (const char *)content.data : "",
				  content.size);
	*ret_size = content.size;
	gnutls_free(content.data);
	return 0;
}
