/*
 * Makes a test CA and any number of certificates at once: DIR/ca.pem, and for each number N
 * DIR/served/N.pem for the names dN.example, autoconfig.dN.example and autodiscover.dN.example,
 * chain of one, with its key. All share one ECDSA P-256 key, for making keys would take the
 * longest.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "util/arena.h"
#include "util/cleanup.h"

#define DAY ((time_t)24 * 60 * 60)

/* A certificate's text in PEM is well below a kilobyte. */
#define PEM_MAX 4096

struct authority {
	const char *directory;
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
	gnutls_x509_privkey_t served_key;
	gnutls_datum_t served_key_pem;
};

static void must(int result, const char *doing)
{
	if (result < 0)
		errx(1, "%s: %s", doing, gnutls_strerror(result));
}

static gnutls_x509_privkey_t make_key(void)
{
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key), "making a key");
	must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
	     "making a key");
	return key;
}

static gnutls_x509_crt_t begin_certificate(const char *name, unsigned long serial,
					   gnutls_x509_privkey_t key)
{
	unsigned char bytes[4] = { (unsigned char)(serial >> 24 & 0x7f),
				   (unsigned char)(serial >> 16), (unsigned char)(serial >> 8),
				   (unsigned char)serial };
	gnutls_x509_crt_t certificate;
	time_t now = time(NULL);

	must(gnutls_x509_crt_init(&certificate), "making a certificate");
	must(gnutls_x509_crt_set_version(certificate, 3), "making a certificate");
	must(gnutls_x509_crt_set_serial(certificate, bytes, sizeof(bytes)), "setting a serial");
	must(gnutls_x509_crt_set_activation_time(certificate, now - DAY), "setting a date");
	must(gnutls_x509_crt_set_expiration_time(certificate, now + 90 * DAY), "setting a date");
	must(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
					   (unsigned)strlen(name)),
	     "setting a name");
	must(gnutls_x509_crt_set_key(certificate, key), "setting a key");
	return certificate;
}

static void write_pem(FILE *out, gnutls_x509_crt_t certificate)
{
	char pem[PEM_MAX];
	size_t size = sizeof(pem);

	must(gnutls_x509_crt_export(certificate, GNUTLS_X509_FMT_PEM, pem, &size),
	     "writing a certificate");
	(void)fwrite(pem, 1, size, out);
}

/* Only for its owner, for a key is in it. */
static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out)
		err(1, "%s", path);
	return out;
}

static void finish(FILE *out, const char *path)
{
	if (ferror(out) || fclose(out) != 0)
		err(1, "%s", path);
}

static void make_authority(struct authority *authority)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *path = arena_printf(&memory, "%s/ca.pem", authority->directory);
	FILE *out;

	authority->key = make_key();
	authority->certificate = begin_certificate("mailconfd test CA", 1, authority->key);
	must(gnutls_x509_crt_set_basic_constraints(authority->certificate, 1, -1), "making a CA");
	must(gnutls_x509_crt_set_key_usage(authority->certificate,
					   GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN),
	     "making a CA");
	must(gnutls_x509_crt_sign2(authority->certificate, authority->certificate, authority->key,
				   GNUTLS_DIG_SHA256, 0),
	     "signing");
	authority->served_key = make_key();
	must(gnutls_x509_privkey_export2(authority->served_key, GNUTLS_X509_FMT_PEM,
					 &authority->served_key_pem),
	     "writing a key");

	out = create(path);
	write_pem(out, authority->certificate);
	finish(out, path);
}

static void add_names(gnutls_x509_crt_t certificate, const char *domain)
{
	static const char *const prefixes[] = { "", "autoconfig.", "autodiscover." };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *name = arena_printf(&memory, "%s%s", prefixes[i], domain);

		must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name,
							  (unsigned)strlen(name),
							  GNUTLS_FSAN_APPEND),
		     "setting a name");
	}
}

static void make_certificate(const struct authority *authority, unsigned long number)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *domain = arena_printf(&memory, "d%05lu.example", number);
	const char *path = arena_printf(&memory, "%s/served/%05lu.pem", authority->directory,
					number);
	gnutls_x509_crt_t certificate;
	FILE *out = create(path);

	certificate = begin_certificate(domain, number + 2, authority->served_key);
	add_names(certificate, domain);
	must(gnutls_x509_crt_set_basic_constraints(certificate, 0, -1), "making a certificate");
	must(gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE),
	     "making a certificate");
	must(gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0),
	     "making a certificate");
	must(gnutls_x509_crt_sign2(certificate, authority->certificate, authority->key,
				   GNUTLS_DIG_SHA256, 0),
	     "signing");
	write_pem(out, certificate);
	(void)fwrite(authority->served_key_pem.data, 1, authority->served_key_pem.size, out);
	finish(out, path);
	gnutls_x509_crt_deinit(certificate);
}

int main(int argc, char **argv)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct authority authority = { 0 };
	unsigned long count;

	if (argc != 3) {
		(void)fputs("Usage: certificates DIR COUNT\n", stderr);
		return 2;
	}
	authority.directory = argv[1];
	count = strtoul(argv[2], NULL, 10);
	if (mkdir(arena_printf(&memory, "%s/served", argv[1]), 0700) < 0 && errno != EEXIST)
		err(1, "%s/served", argv[1]);
	make_authority(&authority);
	for (unsigned long i = 0; i < count; i++)
		make_certificate(&authority, i);
	gnutls_x509_crt_deinit(authority.certificate);
	gnutls_x509_privkey_deinit(authority.key);
	gnutls_x509_privkey_deinit(authority.served_key);
	gnutls_free(authority.served_key_pem.data);
	return 0;
}
