/*
 * Ed25519 is left out: CMS wants SHA-512 with it (RFC 8419 3.1), and devices that install profiles
 * do not know it.
 */

#include "tls/cms.h"

#include <gnutls/pkcs7.h>
#include <stdatomic.h>

#include "tls/certificate-file.h"

/* Of the certificates that come with a signature, only so many are tried. */
#define UNWRAP_CERTIFICATES_MAX 16

#define SIGN_FLAGS (GNUTLS_PKCS7_EMBED_DATA | GNUTLS_PKCS7_INCLUDE_TIME | GNUTLS_PKCS7_INCLUDE_CERT)

DEFINE_CLEANUP(gnutls_pkcs7_t, gnutls_pkcs7_deinit);
DEFINE_CLEANUP(gnutls_pubkey_t, gnutls_pubkey_deinit);
DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);

struct signer {
	atomic_uint references;
	struct arena memory;
	struct certificate certificate; /* with its chain and key */
	gnutls_x509_crt_t leaf;
};

int signer_load(const char *certificate_file, const char *key_file, certificates_warner warn,
		void *context, struct signer **ret_signer, struct error *err)
{
	static const char sample[] = "<plist/>"; /* GnuTLS signs nothing only detached */
	_cleanup_(signer_unrefp) struct signer *signer = xnew(struct signer);
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificate *certificate = &signer->certificate;
	time_t now = time(NULL);
	const char *signed_data;
	size_t size;

	signer->references = 1;
	if (certificate_file_load(&signer->memory, certificate_file, key_file, NULL, NULL,
				  certificate, err) < 0)
		return error_prefix(err, "cannot read the certificate and key");
	if (certificate->algorithm != GNUTLS_PK_RSA && certificate->algorithm != GNUTLS_PK_ECDSA) {
		error_set(err, ERROR_TLS,
			  "the private key in '%s' is %s, which cannot sign profiles", key_file,
			  gnutls_pk_get_name(certificate->algorithm));
		return error_hint(err, "use RSA or ECDSA P-256");
	}
	gnutls_x509_crt_init(&signer->leaf);
	gnutls_x509_crt_import(signer->leaf, &certificate->chain[0].cert, GNUTLS_X509_FMT_DER);
	if (signer_sign(signer, &memory, sample, strlen(sample), &signed_data, &size, err) < 0)
		return error_prefix(err, "'%s'", certificate_file);
	if (certificate->expires <= now || certificate->starts > now)
		warn(arena_printf(&memory,
				  "certificate '%s' %s; profiles are signed with it all the same, "
				  "and devices show them as not verified",
				  certificate_file,
				  certificate->expires <= now ? "has expired" : "is not valid yet"),
		     context);
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
	if (signer->leaf)
		gnutls_x509_crt_deinit(signer->leaf);
	certificate_clear(&signer->certificate);
	arena_clear(&signer->memory);
	free(signer);
}

int signer_sign(const struct signer *signer, struct arena *memory, const char *data, size_t size,
		const char **ret_signed, size_t *ret_size, struct error *err)
{
	_cleanup_(gnutls_pkcs7_deinitp) gnutls_pkcs7_t message = NULL;
	const gnutls_datum_t input = { (unsigned char *)data, (unsigned)size };
	gnutls_datum_t output = { 0 };
	int result = gnutls_pkcs7_init(&message);

	if (result == 0)
		result = gnutls_pkcs7_sign(message, signer->leaf, signer->certificate.key, &input,
					   NULL, NULL, GNUTLS_DIG_SHA256, SIGN_FLAGS);
	for (unsigned i = 1; result == 0 && i < signer->certificate.chain_length; i++)
		result = gnutls_pkcs7_set_crt_raw(message, &signer->certificate.chain[i].cert);
	if (result == 0)
		result = gnutls_pkcs7_export2(message, GNUTLS_X509_FMT_DER, &output);
	if (result < 0)
		return error_set(err, ERROR_TLS, "cannot sign: %s", gnutls_strerror(result));
	*ret_signed = arena_strndup(memory, (const char *)output.data, output.size);
	*ret_size = output.size;
	gnutls_free(output.data);
	return 0;
}

/* Whether one of its own certificates made the signature. */
static bool has_signer(gnutls_pkcs7_t message)
{
	int count = gnutls_pkcs7_get_crt_count(message);
	bool is_signer = false;

	for (int i = 0; !is_signer && i < count && i < UNWRAP_CERTIFICATES_MAX; i++) {
		_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t certificate = NULL;
		_cleanup_(gnutls_pubkey_deinitp) gnutls_pubkey_t key = NULL;
		gnutls_datum_t der = { 0 };

		if (gnutls_pkcs7_get_crt_raw2(message, (unsigned)i, &der) < 0)
			return false;
		/* GnuTLS 3.7 loses memory where it verifies with a certificate whose key it cannot
		 * read. */
		is_signer = gnutls_x509_crt_init(&certificate) == 0 &&
			    gnutls_x509_crt_import(certificate, &der, GNUTLS_X509_FMT_DER) == 0 &&
			    gnutls_pubkey_init(&key) == 0 &&
			    gnutls_pubkey_import_x509(key, certificate, 0) == 0 &&
			    gnutls_pkcs7_verify_direct(message, certificate, 0, NULL, 0) == 0;
		gnutls_free(der.data);
	}
	return is_signer;
}

int cms_unwrap(struct arena *memory, const char *data, size_t size, const char **ret_data,
	       size_t *ret_size, struct error *err)
{
	_cleanup_(gnutls_pkcs7_deinitp) gnutls_pkcs7_t message = NULL;
	const gnutls_datum_t input = { (unsigned char *)data, (unsigned)size };
	gnutls_datum_t content = { 0 };
	int result = gnutls_pkcs7_init(&message);

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
