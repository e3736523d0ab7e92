/*
 * Ed25519 is left out: CMS wants SHA-512 with it (RFC 8419 3.1), and devices that install profiles
 * do not know it.
 */

#include "tls/cms.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs7.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <time.h>

#include "tls/certificate-file.h"
#include "tls/key.h"
#include "util/file.h"

/* Of the certificates that come with a signature, only so many are tried. */
#define UNWRAP_CERTIFICATES_MAX 16

#define SIGN_FLAGS (GNUTLS_PKCS7_EMBED_DATA | GNUTLS_PKCS7_INCLUDE_TIME | GNUTLS_PKCS7_INCLUDE_CERT)

DEFINE_CLEANUP(gnutls_pkcs7_t, gnutls_pkcs7_deinit);
DEFINE_CLEANUP(gnutls_pubkey_t, gnutls_pubkey_deinit);
DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);

struct signer {
	atomic_uint references;
	gnutls_x509_crt_t *chain; /* the signer's own first, without a root */
	unsigned length;
	gnutls_privkey_t key;
};

static void drop_last_certificate(struct signer *signer)
{
	gnutls_x509_crt_deinit(signer->chain[--signer->length]);
}

static int load_chain(struct signer *signer, const char *file, struct error *err)
{
	_cleanup_(arena_wipe) struct arena memory = ARENA_NULL; /* it may hold the key too */
	gnutls_x509_crt_t last;
	gnutls_datum_t pem;
	size_t size;
	int result;

	pem.data = (unsigned char *)file_read(&memory, file, CERTIFICATE_FILE_LIMIT, &size, err);
	if (!pem.data)
		return -1;
	pem.size = (unsigned)size;
	result = gnutls_x509_crt_list_import2(&signer->chain, &signer->length, &pem,
					      GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
	if (result < 0 || signer->length == 0)
		return error_set(
			err, ERROR_TLS, "cannot read the certificate in '%s': %s", file,
			gnutls_strerror(result < 0 ? result : GNUTLS_E_NO_CERTIFICATE_FOUND));
	last = signer->chain[signer->length - 1];
	if (signer->length > 1 && gnutls_x509_crt_check_issuer(last, last))
		drop_last_certificate(signer);
	return 0;
}

static int load_signer_key(struct signer *signer, const char *file, struct error *err)
{
	_cleanup_(arena_wipe) struct arena memory = ARENA_NULL;
	gnutls_datum_t pem;
	size_t size;
	int algorithm;

	pem.data = (unsigned char *)file_read(&memory, file, CERTIFICATE_FILE_LIMIT, &size, err);
	if (!pem.data)
		return -1;
	pem.size = (unsigned)size;
	if (key_import(file, &pem, &signer->key, err) < 0)
		return -1;
	algorithm = gnutls_privkey_get_pk_algorithm(signer->key, NULL);
	if (algorithm != GNUTLS_PK_RSA && algorithm != GNUTLS_PK_ECDSA) {
		error_set(err, ERROR_TLS,
			  "the private key in '%s' is %s, which cannot sign profiles", file,
			  gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm));
		return error_hint(err, "use RSA or ECDSA P-256");
	}
	return 0;
}

static int check_signer_key(const struct signer *signer, const char *certificate_file,
			    const char *key_file, struct error *err)
{
	_cleanup_(gnutls_pubkey_deinitp) gnutls_pubkey_t public_key = NULL;

	if (gnutls_pubkey_init(&public_key) == 0 &&
	    gnutls_pubkey_import_x509(public_key, signer->chain[0], 0) == 0 &&
	    key_belongs_to(signer->key, public_key))
		return 0;
	error_set(err, ERROR_TLS,
		  "the private key in '%s' does not belong to the first certificate in '%s'",
		  key_file, certificate_file);
	return error_hint(err, "put the signer's own certificate first and its chain after it");
}

static void warn_of_dates(const struct signer *signer, const char *file,
			  void (*warn)(const char *sentence, void *context), void *context)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	time_t now = time(NULL);
	const char *state;

	if (gnutls_x509_crt_get_expiration_time(signer->chain[0]) <= now)
		state = "has expired";
	else if (gnutls_x509_crt_get_activation_time(signer->chain[0]) > now)
		state = "is not valid yet";
	else
		return;
	warn(arena_printf(&memory,
			  "certificate '%s' %s; profiles are signed with it all the same, and "
			  "devices show them as not verified",
			  file, state),
	     context);
}

static int sign_sample(const struct signer *signer, const char *certificate_file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	static const char sample[] = "<plist/>"; /* GnuTLS signs nothing only detached */
	const char *signed_data;
	size_t size;

	if (signer_sign(signer, &memory, sample, strlen(sample), &signed_data, &size, err) < 0)
		return error_prefix(err, "'%s'", certificate_file);
	return 0;
}

int signer_load(const char *certificate_file, const char *key_file,
		void (*warn)(const char *sentence, void *context), void *context,
		struct signer **ret_signer, struct error *err)
{
	_cleanup_(signer_unrefp) struct signer *signer = xnew(struct signer);

	signer->references = 1;
	if (load_chain(signer, certificate_file, err) < 0 ||
	    load_signer_key(signer, key_file, err) < 0 ||
	    check_signer_key(signer, certificate_file, key_file, err) < 0 ||
	    sign_sample(signer, certificate_file, err) < 0)
		return -1;
	warn_of_dates(signer, certificate_file, warn, context);
	*ret_signer = TAKE(signer);
	return 0;
}

struct signer *signer_ref(struct signer *signer)
{
	if (signer)
		atomic_fetch_add(&signer->references, 1);
	return signer;
}

void signer_unref(struct signer *signer)
{
	if (!signer || atomic_fetch_sub(&signer->references, 1) != 1)
		return;
	while (signer->length > 0)
		drop_last_certificate(signer);
	gnutls_free(signer->chain);
	gnutls_privkey_deinit(signer->key);
	free(signer);
}

static int sign_message(const struct signer *signer, gnutls_pkcs7_t message,
			const gnutls_datum_t *data, gnutls_datum_t *ret_signed)
{
	int result = gnutls_pkcs7_sign(message, signer->chain[0], signer->key, data, NULL, NULL,
				       GNUTLS_DIG_SHA256, SIGN_FLAGS);

	for (unsigned i = 1; i < signer->length && result == 0; i++)
		result = gnutls_pkcs7_set_crt(message, signer->chain[i]);
	if (result == 0)
		result = gnutls_pkcs7_export2(message, GNUTLS_X509_FMT_DER, ret_signed);
	return result;
}

int signer_sign(const struct signer *signer, struct arena *memory, const char *data, size_t size,
		const char **ret_signed, size_t *ret_size, struct error *err)
{
	_cleanup_(gnutls_pkcs7_deinitp) gnutls_pkcs7_t message = NULL;
	const gnutls_datum_t input = { (unsigned char *)data, (unsigned)size };
	gnutls_datum_t output = { 0 };
	int result;

	result = gnutls_pkcs7_init(&message);
	if (result == 0)
		result = sign_message(signer, message, &input, &output);
	if (result < 0)
		return error_set(err, ERROR_TLS, "cannot sign: %s", gnutls_strerror(result));
	*ret_signed = arena_strndup(memory, (const char *)output.data, output.size);
	*ret_size = output.size;
	gnutls_free(output.data);
	return 0;
}

/* GnuTLS 3.7 loses memory where it verifies with a certificate whose key it cannot read. */
static bool has_readable_key(gnutls_x509_crt_t certificate)
{
	_cleanup_(gnutls_pubkey_deinitp) gnutls_pubkey_t key = NULL;

	return gnutls_pubkey_init(&key) == 0 && gnutls_pubkey_import_x509(key, certificate, 0) == 0;
}

static bool is_signed_by(gnutls_pkcs7_t message, const gnutls_datum_t *der)
{
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t certificate = NULL;

	return gnutls_x509_crt_init(&certificate) == 0 &&
	       gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0 &&
	       has_readable_key(certificate) &&
	       gnutls_pkcs7_verify_direct(message, certificate, 0, NULL, 0) == 0;
}

static bool has_signer(gnutls_pkcs7_t message)
{
	int count = gnutls_pkcs7_get_crt_count(message);

	for (int i = 0; i < count && i < UNWRAP_CERTIFICATES_MAX; i++) {
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

int cms_unwrap(struct arena *memory, const char *data, size_t size, const char **ret_data,
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
		return error_set(err, ERROR_INPUT, "cannot read the signed data: %s",
				 gnutls_strerror(result));
	if (!has_signer(message)) {
		gnutls_free(content.data);
		return error_set(err, ERROR_INPUT, "the signature is invalid");
	}
	*ret_data = arena_strndup(memory, content.size ? (const char *)content.data : "",
				  content.size);
	*ret_size = content.size;
	gnutls_free(content.data);
	return 0;
}
