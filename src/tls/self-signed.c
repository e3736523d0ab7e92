#include "tls/self-signed.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#include "tls/certificate-file.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/file.h"

#define DAY ((time_t)24 * 60 * 60)
#define VALID_DAYS 365
#define LEFT_DAYS 30 /* one with less is made anew */

DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);
DEFINE_CLEANUP(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit);

static void ignore(const char *sentence, void *context)
{
}

static bool is_good(const char *file, const char *name)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificate certificate;
	struct error err;
	bool fits;

	if (certificate_file_load(&memory, file, ignore, NULL, &certificate, &err) < 0)
		return false;
	fits = certificate.n_names == 1 && text_equals_ignoring_case(certificate.names[0], name) &&
	       certificate.expires > time(NULL) + LEFT_DAYS * DAY;
	certificate_clear(&certificate);
	return fits;
}

static int set_serial(gnutls_x509_crt_t certificate)
{
	unsigned char serial[16];
	int r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	serial[0] = (serial[0] & 0x7f) |
		    1; /* positive (RFC 5280 4.1.2.2), without leading zeroes */
	return r < 0 ? r : gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
}

/* Returns what GnuTLS says. */
static int make(gnutls_x509_privkey_t key, gnutls_x509_crt_t certificate, const char *name)
{
	static const char dn[] = "CN=self-signed"; /* no software is named to clients */
	time_t now = time(NULL);
	int r;

	if ((r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
					      0)) < 0 ||
	    (r = gnutls_x509_crt_set_version(certificate, 3)) < 0 ||
	    (r = set_serial(certificate)) < 0 ||
	    (r = gnutls_x509_crt_set_dn(certificate, dn, NULL)) < 0 ||
	    (r = gnutls_x509_crt_set_activation_time(certificate, now - DAY)) < 0 ||
	    (r = gnutls_x509_crt_set_expiration_time(certificate, now + VALID_DAYS * DAY)) < 0 ||
	    (r = gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name,
						      (unsigned)strlen(name), GNUTLS_FSAN_SET)) <
		    0 ||
	    (r = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1)) < 0 ||
	    (r = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0)) <
		    0 ||
	    (r = gnutls_x509_crt_set_key(certificate, key)) < 0 ||
	    (r = gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0)) < 0)
		return r;
	return 0;
}

static int write_file(const char *file, gnutls_x509_privkey_t key, gnutls_x509_crt_t certificate,
		      struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	gnutls_datum_t chain = { 0 }, secret = { 0 };
	char *text;
	int r;

	if ((r = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &chain)) < 0 ||
	    (r = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &secret)) < 0) {
		gnutls_free(chain.data);
		return error_set(err, ERROR_TLS, "%s", gnutls_strerror(r));
	}
	text = arena_printf(&memory, "%.*s%.*s", (int)chain.size, chain.data, (int)secret.size,
			    secret.data);
	r = file_replace(file, 0600, (gid_t)-1, text, strlen(text), err);
	explicit_bzero(text, strlen(text));
	gnutls_memset(secret.data, 0, secret.size);
	gnutls_free(secret.data);
	gnutls_free(chain.data);
	return r;
}

int self_signed_provide(const char *file, const char *name, struct error *err)
{
	_cleanup_(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t certificate = NULL;
	int r;

	if (is_good(file, name))
		return 0;
	if ((r = gnutls_x509_privkey_init(&key)) < 0 ||
	    (r = gnutls_x509_crt_init(&certificate)) < 0 || (r = make(key, certificate, name)) < 0)
		return error_set(err, ERROR_TLS, "cannot make a certificate for '%s': %s", name,
				 gnutls_strerror(r));
	return write_file(file, key, certificate, err);
}
