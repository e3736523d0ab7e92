/*
 * The bytes of a key live in an arena of their own, which is wiped; what GnuTLS has parsed is all
 * that stays.
 */

#include "tls/certificate-file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "tls/certificate-paths.h"
#include "tls/key.h"
#include "util/file.h"

#define DAY ((time_t)24 * 60 * 60)
#define SELF_SIGNED_DAYS 365
#define SELF_SIGNED_DAYS_LEFT 30 /* one with less is replaced */

DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);
DEFINE_CLEANUP(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit);

static char *read_pem_file(struct arena *memory, const char *file, size_t *ret_size,
			   struct error *err)
{
	char *data = file_read(memory, file, CERTIFICATE_FILE_LIMIT, ret_size, err);
	size_t length = strlen(file), name = strlen("/" LAYOUT_CHAIN);
	int reason = data || eaccess(file, R_OK) == 0 ? 0 : errno;
	struct stat status;

	if (reason == EACCES)
		error_hint(err, "give the daemon's user read permission");
	/* Such a file stands for a directory without a pair. */
	else if (reason == ENOENT && length > name &&
		 text_equals(file + length - name, "/" LAYOUT_CHAIN)) {
		error_set(err, ERROR_TLS,
			  "directory '%.*s' has no certificate with its private key",
			  (int)(length - name), file);
		error_hint(err, "write the certificate with its chain to " LAYOUT_CHAIN
				" there and its key to " LAYOUT_KEY
				", or use other names of mailconfd(8)");
	} else if (!data && stat(file, &status) == 0 && S_ISREG(status.st_mode) &&
		   status.st_size > (off_t)CERTIFICATE_FILE_LIMIT) {
		error_set(err, ERROR_TLS,
			  "'%s' is larger than %zu KiB, the limit for a certificate with its chain "
			  "and key",
			  file, CERTIFICATE_FILE_LIMIT / 1024);
		error_hint(err, "let the glob match certificates only");
	}
	return data;
}

static int64_t nanoseconds(struct timespec time)
{
	/* Unsigned, because a file can have any date; only equality counts. */
	return (int64_t)((uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec);
}

static struct file_stamp take_stamp(const char *file)
{
	struct stat status;

	if (stat(file, &status) < 0)
		return (struct file_stamp){ 0 };
	return (struct file_stamp){
		.device = status.st_dev,
		.number = status.st_ino,
		.size = status.st_size,
		.written = nanoseconds(status.st_mtim),
		.changed = nanoseconds(status.st_ctim),
	};
}

struct certificate_stamp certificate_stamp_take(const char *file)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificate_stamp stamp = { .chain = take_stamp(file) };
	const char *key_file = layout_key_of(&memory, file);

	if (key_file)
		stamp.key = take_stamp(key_file);
	return stamp;
}

bool certificate_stamp_equals(const struct certificate_stamp *a, const struct certificate_stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int certificate_file_load(struct arena *memory, const char *file, const char *key_file,
			  certificates_warner warn, void *context,
			  struct certificate *ret_certificate, struct error *err)
{
	_cleanup_(arena_wipe) struct arena secret = ARENA_NULL;
	struct certificate_source source = { .file = file, .is_for_signing = key_file };
	struct stat status;

	source.data = read_pem_file(&secret, file, &source.size, err);
	if (!source.data)
		return -1;
	if (!key_file) {
		key_file = layout_key_of(&secret, file);
		if (key_file && pem_scan(source.data, source.size).keys)
			key_file = NULL;
	}
	source.key_file = key_file ?: file;
	if (key_file &&
	    !(source.key_data = read_pem_file(&secret, key_file, &source.key_size, err)))
		return -1;
	if (certificate_parse(memory, &source, warn, context, ret_certificate, err) < 0)
		return -1;
	if (warn && stat(source.key_file, &status) == 0 && (status.st_mode & S_IROTH))
		warn(arena_printf(
			     &secret,
			     "every user of this machine can read the private key in '%s'; run "
			     "'chmod o-r' on it",
			     source.key_file),
		     context);
	return 0;
}

static void wipe_datum(gnutls_datum_t *datum)
{
	gnutls_memset(datum->data, 0, datum->size);
	gnutls_free(datum->data);
}

/* Returns what GnuTLS says. */
static int sign_itself(gnutls_x509_privkey_t key, gnutls_x509_crt_t certificate, const char *name)
{
	static const char dn[] = "CN=self-signed"; /* no software is named to clients */
	unsigned char serial[16];
	time_t now = time(NULL);
	int r;

	if ((r = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial))) < 0)
		return r;
	/* Positive (RFC 5280 4.1.2.2), without leading zeroes. */
	serial[0] = (serial[0] & 0x7f) | 1;
	if ((r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
					      0)) < 0 ||
	    (r = gnutls_x509_crt_set_version(certificate, 3)) < 0 ||
	    (r = gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial))) < 0 ||
	    (r = gnutls_x509_crt_set_dn(certificate, dn, NULL)) < 0 ||
	    (r = gnutls_x509_crt_set_activation_time(certificate, now - DAY)) < 0 ||
	    (r = gnutls_x509_crt_set_expiration_time(certificate, now + SELF_SIGNED_DAYS * DAY)) <
		    0 ||
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

int certificate_file_self_sign(const char *file, const char *name, struct error *err)
{
	_cleanup_(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t certificate = NULL;
	_cleanup_(wipe_datum) gnutls_datum_t chain = { 0 };
	_cleanup_(wipe_datum) gnutls_datum_t secret = { 0 };
	_cleanup_(arena_wipe) struct arena memory = ARENA_NULL;
	_cleanup_(certificate_clear) struct certificate present = { 0 };
	const char *text;
	int r;

	if (certificate_file_load(&memory, file, NULL, NULL, NULL, &present, err) == 0 &&
	    present.n_names == 1 && text_equals_ignoring_case(present.names[0], name) &&
	    present.expires > time(NULL) + SELF_SIGNED_DAYS_LEFT * DAY)
		return 0;
	if ((r = gnutls_x509_privkey_init(&key)) < 0 ||
	    (r = gnutls_x509_crt_init(&certificate)) < 0 ||
	    (r = sign_itself(key, certificate, name)) < 0 ||
	    (r = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &chain)) < 0 ||
	    (r = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &secret)) < 0)
		return error_set(err, ERROR_TLS, "cannot create a certificate for '%s': %s", name,
				 gnutls_strerror(r));
	text = arena_printf(&memory, "%.*s%.*s", (int)chain.size, chain.data, (int)secret.size,
			    secret.data);
	return file_replace(file, 0600, (gid_t)-1, text, strlen(text), err);
}
