/*
 * That a key belongs to a certificate is proved in two steps: checking its parameters computes the
 * public half anew from the secret one, as the file of an EC key states it and may lie; then the
 * public half is compared with the certificate's. Both together take a third of the time of signing
 * and verifying something.
 */

#include "tls/key.h"

#include <string.h>
#include <gnutls/x509.h>

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

int key_import(const char *file, const gnutls_datum_t *pem, gnutls_privkey_t *ret_key,
	       struct error *err)
{
	_cleanup_(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t parsed = NULL;
	gnutls_privkey_t key;
	int algorithm, result;

	if ((result = gnutls_x509_privkey_init(&parsed)) < 0 ||
	    (result = gnutls_x509_privkey_import(parsed, pem, GNUTLS_X509_FMT_PEM)) < 0)
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
