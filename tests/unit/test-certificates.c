#include "tls/certificates.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tls/certificate.h"
#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
#include "tls/client-hello.h"
#include "tls/cms.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof(*(array)))

/* Made by make.sh for all tests, in the directory that they run in. */
static const char *const fixtures[] = {
	"cert accepted/ec.pem Example.ORG www.example.org",
	"cert accepted/p384.pem --curve=P-384 p384.example",
	"cert accepted/p521.pem --curve=P-521 p521.example",
	"cert accepted/rsa.pem --rsa rsa.example",
	"cert accepted/pss.pem --rsa-pss pss.example",
	"cert accepted/ed25519.pem --ed25519 ed.example",
	"cert accepted/key-first.pem --key-first first.example",
	"cert accepted/with-root.pem --with-root root.example",
	"cert outer.pem --ca",
	"cert inner.pem --ca --issuer outer.pem",
	"cert accepted/chain.pem --issuer inner.pem --with-root chain.example",
	"pair accepted/pair pair.example",
	"cert accepted/odd-names.pem 127.0.0.1 *.w.example w*.example *.*.example a_b.example",
	"cert refused/no-key.pem --no-key a.example",
	"cert refused/encrypted.pem --password secret a.example",
	"cert refused/foreign-key.pem --key-of accepted/ec.pem a.example",
	"cert refused/foreign-kind.pem --key-of accepted/rsa.pem a.example",
	"pair refused/pair-of-two a.example",
	"pair refused/pair-without-key a.example",
	"cert refused/must-staple.pem --must-staple a.example",
	"cert refused/ed448.pem --ed448 a.example",
	"cert warned/expired.pem --not-before -20 --days 10 a.example",
	"cert warned/future.pem --not-before 2 a.example",
	"cert warned/soon.pem --not-before -84 --days 90 a.example",
	"cert warned/short-lived.pem --not-before -1 --days 6 a.example",
	"cert warned/nameless.pem",
	"cert warned/rsa-3072.pem --rsa=3072 a.example",
	"cert match/exact.pem exact.example a.wild.example",
	"cert match/wild.pem *.wild.example",
	"cert match/dual-ec.pem dual.example default.example",
	"cert match/dual-rsa.pem --rsa dual.example rsa-only.wild.example both.wild.example",
	"cert match/later-ec.pem --days 95 dual.example",
	"cert match/expired-ec.pem --not-before -20 --days 10 stale.example",
	"cert match/valid-rsa.pem --rsa stale.example",
	"cert match/pss.pem --rsa-pss pss.example",
	"cert match/ed25519.pem --ed25519 ed.example",
};

static char directory[] = "/tmp/test-certificates.XXXXXX";

/* Runs the command in the directory of the test. */
static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	va_list args;
	char *command;

	va_start(args, format);
	command = arena_vprintf(&memory, format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static int set_up(void **state)
{
	const char *root = getenv("SOURCE_ROOT");

	if (!root) {
		fputs("SOURCE_ROOT must name the top of the source tree\n", stderr);
		return -1;
	}
	(void)umask(077);
	if (!mkdtemp(directory) || chdir(directory) < 0)
		return -1;
	/* Globs of the shell must not touch wildcard names. */
	shell("set -fe; '%s/tests/certs/make.sh' . ca", root);
	for (size_t i = 0; i < N_ELEMENTS(fixtures); i++)
		shell("set -fe; '%s/tests/certs/make.sh' . %s", root, fixtures[i]);
	return 0;
}

static int tear_down(void **state)
{
	shell("cd / && rm -rf '%s'", directory);
	return 0;
}

/* The sentences of all warnings, one a line. */
static void note(const char *sentence, void *context)
{
	bytes_add_format(context, "%s\n", sentence);
}

static int load(const char *file, struct arena *memory, struct bytes *warnings,
		struct certificate *ret_certificate, struct error *err)
{
	*warnings = BYTES_IN(memory);
	return certificate_file_load(memory, file, NULL, note, warnings, ret_certificate, err);
}

static void assert_text_has(const char *text, const char *words)
{
	if (!text || !strstr(text, words))
		fail_msg("'%s' is not in: %s", words, text ? text : "nothing");
}

static void test_accepted(void **state)
{
	static const struct {
		const char *file;
		gnutls_pk_algorithm_t algorithm;
		unsigned chain_length;
		const char *names[3];
	} good[] = {
		{ "ec.pem", GNUTLS_PK_ECDSA, 1, { "example.org", "www.example.org" } },
		{ "p384.pem", GNUTLS_PK_ECDSA, 1, { "p384.example" } },
		{ "rsa.pem", GNUTLS_PK_RSA, 1, { "rsa.example" } },
		{ "pss.pem", GNUTLS_PK_RSA_PSS, 1, { "pss.example" } },
		{ "ed25519.pem", GNUTLS_PK_EDDSA_ED25519, 1, { "ed.example" } },
		{ "key-first.pem", GNUTLS_PK_ECDSA, 1, { "first.example" } },
		{ "with-root.pem", GNUTLS_PK_ECDSA, 1, { "root.example" } },
		{ "chain.pem", GNUTLS_PK_ECDSA, 3, { "chain.example" } },
		{ "shuffled.pem", GNUTLS_PK_ECDSA, 3, { "chain.example" } },
		{ "self-signed.pem", GNUTLS_PK_ECDSA, 1, { "self.example" } },
		{ "parameters.pem", GNUTLS_PK_ECDSA, 1, { "p.example" } },
		{ "pair/fullchain.pem", GNUTLS_PK_ECDSA, 1, { "pair.example" } },
		{ "odd-names.pem", GNUTLS_PK_ECDSA, 1, { "*.w.example", "a_b.example" } },
	};

	shell("cd accepted && certs() { sed -n '/BEGIN CERT/,/END CERT/p' \"$@\"; } && "
	      "{ certs chain.pem | sed '/END CERT/q'; echo a remark; certs ../ca.pem ../outer.pem; "
	      "sed -n '/PRIVATE/,/PRIVATE/p' chain.pem; certs ../inner.pem | sed '/END CERT/q'; } "
	      ">shuffled.pem");
	shell("cd accepted && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc "
	      "-keyout k.key -subj /CN=x -addext subjectAltName=DNS:self.example 2>/dev/null "
	      ">self-signed.pem && cat k.key >>self-signed.pem");
	shell("cd accepted && openssl ecparam -name prime256v1 -genkey >k.key && "
	      "openssl req -x509 -new -key k.key -subj /CN=x -addext subjectAltName=DNS:p.example "
	      ">>k.key && mv k.key parameters.pem");
	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		_cleanup_(certificate_clear) struct certificate certificate = { 0 };
		struct error err = { 0 };
		struct bytes warnings;
		size_t n_names = 0;

		if (load(arena_printf(&memory, "accepted/%s", good[i].file), &memory, &warnings,
			 &certificate, &err) < 0)
			fail_msg("%s: %s", good[i].file, err.text);
		if (certificate.chain_length != good[i].chain_length)
			fail_msg("%s: a chain of %u", good[i].file, certificate.chain_length);
		assert_int_equal(certificate.algorithm, good[i].algorithm);
		while (n_names < 3 && good[i].names[n_names])
			n_names++;
		assert_int_equal(certificate.n_names, n_names);
		for (size_t j = 0; j < n_names; j++)
			assert_string_equal(certificate.names[j], good[i].names[j]);
		assert_string_equal(bytes_text(&warnings), "");
	}
}

/* No client of a profile asks for the status of the certificate in TLS. */
static void test_a_must_staple_certificate_signs(void **state)
{
	static const char file[] = "refused/must-staple.pem";
	struct signer *signer = NULL;
	struct error err = { 0 };

	assert_int_equal(signer_load(file, file, NULL, NULL, &signer, &err), 0);
	signer_unref(signer);
}

static void test_refused(void **state)
{
	static const struct {
		const char *file, *words;
	} bad[] = {
		{ "refused/missing.pem", "'refused/missing.pem': No such file" },
		{ "refused/empty.pem", "'refused/empty.pem' is not a PEM file" },
		{ "refused/der.pem", "'refused/der.pem' is not a PEM file" },
		{ "refused/large.pem", "'refused/large.pem' is larger than 256 KiB" },
		{ "refused", "'refused': it is not a file" },
		{ "refused/directory/fullchain.pem",
		  "directory 'refused/directory' has no certificate with its private key" },
		{ "refused/must-staple.pem",
		  "certificate in 'refused/must-staple.pem' is must-staple, but OCSP stapling" },
		{ "refused/ed448.pem", "is EdDSA (Ed448)" },
		{ "ca.key", "'ca.key' has no certificate" },
		{ "refused/request.pem", "'refused/request.pem' has no certificate" },
		{ "refused/bundle.pem", "'refused/bundle.pem' has 20 certificates" },
		{ "refused/broken.pem", "cannot read a certificate in 'refused/broken.pem'" },
		{ "refused/cut.pem", "cannot read a certificate in 'refused/cut.pem'" },
		{ "refused/no-key.pem", "'refused/no-key.pem' has no private key" },
		{ "refused/two-keys.pem", "'refused/two-keys.pem' has 2 private keys" },
		{ "refused/encrypted.pem", "private key in 'refused/encrypted.pem' is encrypted" },
		{ "refused/old-encrypted.pem", "key in 'refused/old-encrypted.pem' is encrypted" },
		{ "refused/broken-key.pem",
		  "cannot read the private key in 'refused/broken-key.pem'" },
		{ "refused/foreign-key.pem", "key in 'refused/foreign-key.pem' does not belong" },
		{ "refused/foreign-kind.pem", "key in 'refused/foreign-kind.pem' does not belong" },
		{ "refused/ca-first.pem", "does not belong to the first certificate" },
		{ "refused/forged-key.pem", "private key in 'refused/forged-key.pem' is invalid" },
		{ "refused/dsa.pem", "the private key in 'refused/dsa.pem' is DSA" },
		{ "refused/pair-of-two/fullchain.pem",
		  "key in 'refused/pair-of-two/privkey.pem' does not belong" },
		{ "refused/pair-without-key/fullchain.pem",
		  "'refused/pair-without-key/privkey.pem': No such file" },
	};

	shell("cd refused && : >empty.pem && openssl x509 -in ../ca.pem -outform der -out der.pem");
	shell("cd refused && head -c 300000 /dev/zero >large.pem");
	shell("cd refused && openssl req -new -key ../ca.key -subj /CN=x -out request.pem");
	shell("cd refused && { cat ../ca.key; for i in $(seq 20); do cat ../ca.pem; done; } "
	      ">bundle.pem");
	shell("cd refused && sed '/BEGIN CERT/{n;s/^MII/MIX/;s/B/!/g}' ../accepted/ec.pem "
	      ">broken.pem");
	shell("cd refused && { head -n 5 ../ca.pem; cat ../ca.key; } >cut.pem");
	shell("cd refused && cat ../accepted/ec.pem ../ca.key >two-keys.pem");
	shell("cd refused && openssl ec -in ../ca.key -aes128 -passout pass:x -out k 2>/dev/null "
	      "&& "
	      "cat ../ca.pem k >old-encrypted.pem");
	shell("cd refused && { cat ../ca.pem; sed 's/^M/!!/' ../ca.key; } >broken-key.pem");
	shell("cd refused && { cat ../ca.pem ../accepted/ec.pem; } >ca-first.pem");
	shell("cd refused && cp ../accepted/pair/privkey.pem pair-of-two/ && "
	      "rm pair-without-key/privkey.pem");
	shell("cd refused && openssl genpkey -genparam -algorithm DSA -pkeyopt "
	      "dsa_paramgen_bits:1024 "
	      "-quiet -out p 2>/dev/null && openssl genpkey -paramfile p -out k 2>/dev/null && "
	      "cat ../ca.pem k >dsa.pem");
	/* The secret half of one key before the public half of another. */
	shell("cd refused && der() { openssl ec -in $1 -outform der 2>/dev/null; } && "
	      "der ../accepted/ec.pem >a && der ../ca.key >b && "
	      "{ head -c 7 a; tail -c +8 b | head -c 32; tail -c +40 a; } >c && "
	      "{ cat ../accepted/ec.pem | sed '/PRIVATE/,$d'; echo '-----BEGIN EC PRIVATE "
	      "KEY-----'; "
	      "base64 c; echo '-----END EC PRIVATE KEY-----'; } >forged-key.pem");
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct certificate certificate;
		struct error err = { 0 };
		struct bytes warnings;

		if (load(bad[i].file, &memory, &warnings, &certificate, &err) == 0)
			fail_msg("%s is accepted", bad[i].file);
		assert_text_has(err.text, bad[i].words);
	}
}

static void test_unreadable(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificate certificate;
	struct error err = { 0 };
	struct bytes warnings;

	/* Nothing is locked for root, so give that up for a moment. */
	shell("cp accepted/ec.pem locked.pem && chmod 0 locked.pem");
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(load("locked.pem", &memory, &warnings, &certificate, &err), -1);
	assert_int_equal(seteuid(getuid()), 0);
	assert_string_equal(err.text, "cannot read 'locked.pem': Permission denied");
	assert_string_equal(err.hint, "give the daemon's user read permission");
}

static void test_warnings(void **state)
{
	static const struct {
		const char *file, *words;
	} table[] = {
		{ "expired", "certificate 'warned/expired.pem' expired on 20" },
		{ "future", "certificate 'warned/future.pem' is not valid before 20" },
		{ "soon", "certificate 'warned/soon.pem' expires soon, on 20" },
		{ "short-lived", "" },
		{ "nameless", "'warned/nameless.pem' has no DNS name in its subjectAltName" },
		{ "rsa-3072", "'warned/rsa-3072.pem' has an RSA key of 3072 bits" },
		{ "readable",
		  "every user of this machine can read the private key in 'warned/readable.pem'" },
		{ "unrelated",
		  "1 of the certificates in 'warned/unrelated.pem' are not in the chain" },
	};

	shell("cd warned && cp ../accepted/ec.pem readable.pem && chmod 0644 readable.pem");
	shell("cd warned && cat ../accepted/ec.pem >unrelated.pem && "
	      "sed '/PRIVATE/,$d' ../accepted/self-signed.pem >>unrelated.pem");
	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		_cleanup_(certificate_clear) struct certificate certificate = { 0 };
		struct error err = { 0 };
		struct bytes warnings;
		const char *end;

		if (load(arena_printf(&memory, "warned/%s.pem", table[i].file), &memory, &warnings,
			 &certificate, &err) < 0)
			fail_msg("%s", err.text);
		assert_text_has(bytes_text(&warnings), table[i].words);
		end = strchr(bytes_text(&warnings), '\n');
		if (table[i].words[0] ? !end || end[1] : end != NULL)
			fail_msg("one warning was expected: %s", bytes_text(&warnings));
	}
}

static void test_find_files(void **state)
{
	static const struct {
		const char *globs[4];
		const char *files; /* NULL: there are none, and words says why */
		const char *words;
	} table[] = {
		{ { "found/*.pem" }, "found/a.pem found/b.pem" },
		{ { "found/b.pem", "found/a.pem", "found/[ab].pem" }, "found/a.pem found/b.pem" },
		{ { "found/*" }, "found/a.pem found/b.pem found/d/fullchain.pem" },
		{ { "found/*/" }, "found/d/fullchain.pem" },
		{ { "found/d", "found/d//", "found/d/fullchain.pem" }, "found/d/fullchain.pem" },
		{ { "found/a.pem", "found/*.crt" }, "found/a.pem", NULL },
		{ { "found/*.crt" }, NULL, "no certificate matches 'found/*.crt'" },
		{ { NULL }, NULL, "[tls] certificates is empty" },
	};

	shell("mkdir -p found/d && touch found/a.pem found/b.pem found/d/fullchain.pem "
	      "found/d/privkey.pem found/.hidden.pem");
	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes joined = BYTES_IN(&memory);
		struct certificate_files files;
		struct error err = { 0 };
		size_t n_globs = 0;
		int result;

		while (table[i].globs[n_globs])
			n_globs++;
		result = certificate_files_find(&memory, table[i].globs, n_globs, &files, &err);
		assert_int_equal(result, table[i].files ? 0 : CERTIFICATES_NONE);
		if (!table[i].files) {
			assert_text_has(err.text, table[i].words);
			continue;
		}
		for (size_t j = 0; j < files.count; j++)
			bytes_add_format(&joined, "%s%s", j ? " " : "", files.items[j].path);
		assert_string_equal(bytes_text(&joined), table[i].files);
	}
}

/* The files in a directory, what a glob makes of them, and which key each has. */
static void test_layouts(void **state)
{
	static const struct {
		const char *glob, *files, *chains, *keys;
	} table[] = {
		/* a directory */
		{ "L/", "fullchain.pem privkey.pem cert.pem chain.pem README", "fullchain.pem",
		  "privkey.pem" },
		{ "L/", "fullchain.pem key.pem cert.pem chain.pem", "fullchain.pem", "key.pem" },
		{ "L/", "fullchain.pem privkey.pem key.pem", "fullchain.pem", "privkey.pem" },
		{ "L/", "tls.crt tls.key ca.crt", "tls.crt", "tls.key" },
		{ "L/", "crt.pem key.pem ca.pem", "crt.pem", "key.pem" },
		{ "L/", "cert.pem key.pem dhparams.pem", "cert.pem", "key.pem" },
		{ "L/", "a.crt a.key a.json a.issuer.crt _.b.crt _.b.key lone.crt lone2.key",
		  "_.b.crt a.crt", "_.b.key a.key" },
		{ "L/", "README", "fullchain.pem", "privkey.pem" },
		{ "L/", "privkey.pem", "fullchain.pem", "privkey.pem" },
		/* both halves and what else lies there */
		{ "L/*.pem", "fullchain.pem privkey.pem cert.pem chain.pem", "fullchain.pem",
		  "privkey.pem" },
		{ "L/*.pem", "fullchain.pem key.pem cert.pem chain.pem", "fullchain.pem",
		  "key.pem" },
		{ "L/*", "tls.crt tls.key ca.crt", "tls.crt", "tls.key" },
		{ "L/*.pem", "crt.pem key.pem ca.pem", "crt.pem", "key.pem" },
		{ "L/*.pem", "cert.pem key.pem", "cert.pem", "key.pem" },
		{ "L/*", "a.crt a.key a.json a.issuer.crt b.crt b.key", "a.crt b.crt",
		  "a.key b.key" },
		/* one half */
		{ "L/*.crt", "a.crt a.key a.issuer.crt", "a.crt", "a.key" },
		{ "L/*.key", "a.crt a.key", "a.crt", "a.key" },
		{ "L/cert.pem", "fullchain.pem privkey.pem cert.pem", "fullchain.pem",
		  "privkey.pem" },
		{ "L/privkey.pem", "fullchain.pem privkey.pem", "fullchain.pem", "privkey.pem" },
		{ "L/a.crt", "a.crt", "a.crt", "a.key" },
	};

	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes chains = BYTES_IN(&memory), keys = BYTES_IN(&memory);
		struct certificate_files files;
		struct error err = { 0 };

		shell("rm -rf L && mkdir L && cd L && touch %s", table[i].files);
		if (certificate_files_find(&memory, &table[i].glob, 1, &files, &err) != 0)
			fail_msg("%s", err.text);
		for (size_t j = 0; j < files.count; j++) {
			bytes_add_format(&chains, "%s%s", j ? " " : "", files.items[j].path + 2);
			bytes_add_format(&keys, "%s%s", j ? " " : "",
					 layout_key_of(&memory, files.items[j].path) + 2);
		}
		if (!text_equals(bytes_text(&chains), table[i].chains) ||
		    !text_equals(bytes_text(&keys), table[i].keys))
			fail_msg("%s of %s: %s with %s", table[i].glob, table[i].files,
				 bytes_text(&chains), bytes_text(&keys));
	}
}

/* Files with both halves stay what they are, whatever their name. */
static void test_whole_files(void **state)
{
	static const char *const glob = "whole/*";
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes found = BYTES_IN(&memory);
	struct certificate_files files;
	struct error err = { 0 };

	shell("mkdir whole && cp accepted/ec.pem whole/cert.pem && "
	      "cp accepted/rsa.pem whole/key.pem && cp accepted/p384.pem whole/fullchain.pem && "
	      "cp accepted/pair/privkey.pem whole/privkey.pem");
	assert_int_equal(certificate_files_find(&memory, &glob, 1, &files, &err), 0);
	for (size_t i = 0; i < files.count; i++)
		bytes_add_format(&found, " %s", files.items[i].path);
	assert_string_equal(bytes_text(&found),
			    " whole/cert.pem whole/fullchain.pem whole/key.pem");
}

static void test_key_kinds(void **state)
{
	static const struct {
		const char *file, *kind;
	} table[] = {
		{ "ec", "ECDSA P-256" }, { "p384", "ECDSA P-384" }, { "p521", "ECDSA P-521" },
		{ "rsa", "RSA 2048" },	 { "pss", "RSA-PSS 2048" }, { "ed25519", "Ed25519" },
	};

	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		_cleanup_(certificate_clear) struct certificate certificate = { 0 };
		struct error err = { 0 };
		struct bytes warnings;

		if (load(arena_printf(&memory, "accepted/%s.pem", table[i].file), &memory,
			 &warnings, &certificate, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(certificate_key_kind(&memory, &certificate), table[i].kind);
	}
}

/* A leaf alone, with its root, with its intermediates, and one that is its own root. */
static void test_missing_chains(void **state)
{
	static const struct {
		const char *file, *words;
	} table[] = {
		{ "ec", "'accepted/ec.pem' has no chain: its issuer 'CN=mailconfd test CA' "
			"is neither in the file" },
		{ "with-root", NULL },
		{ "chain", NULL },
		{ "self-signed", NULL },
	};
	_cleanup_(trust_store_closep) gnutls_x509_trust_list_t store = trust_store_open();

	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		_cleanup_(certificate_clear) struct certificate certificate = { 0 };
		struct error err = { 0 };
		struct bytes warnings;
		const char *warning;

		if (load(arena_printf(&memory, "accepted/%s.pem", table[i].file), &memory,
			 &warnings, &certificate, &err) < 0)
			fail_msg("%s", err.text);
		warning = trust_store_chain_warning(store, &memory, &certificate);
		if (table[i].words)
			assert_text_has(warning, table[i].words);
		else if (warning)
			fail_msg("%s", warning);
	}
}

/* Loads a set; a failure is one of the test. */
static struct certificates *load_set(const char *glob, const char *default_name)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificates_options options = {
		.globs = &glob,
		.n_globs = 1,
		.default_name = default_name,
	};
	struct bytes warnings = BYTES_IN(&memory);
	struct certificates *set = NULL;
	struct error err = { 0 };

	if (certificates_load(&options, note, &warnings, &set, &err) < 0)
		fail_msg("%s", err.text);
	return set;
}

/* The name of the file that a certificate came from, without directory and ending. */
static const char *name_of(struct arena *memory, const struct certificate *certificate)
{
	const char *name;

	if (!certificate)
		return "-";
	name = strrchr(certificate->file, '/') + 1;
	return arena_strndup(memory, name, strcspn(name, "."));
}

#define ANY GNUTLS_PK_UNKNOWN /* a client whose capabilities are not asked for */

static void test_match(void **state)
{
	static const struct {
		const char *name;
		gnutls_pk_algorithm_t algorithm;
		const char *file;
	} table[] = {
		{ "exact.example", ANY, "exact" },
		{ "EXACT.Example", ANY, "exact" },
		{ "exact.example.", ANY, "exact" },
		{ "exact.exampl", ANY, "-" },
		{ "www.exact.example", ANY, "-" },
		{ "", ANY, "-" },
		{ ".", ANY, "-" },
		{ ".wild.example", ANY, "-" },
		{ "b.wild.example", ANY, "wild" },
		{ "B.WILD.example", ANY, "wild" },
		{ "wild.example", ANY, "-" },
		{ "b.c.wild.example", ANY, "-" },
		{ "a.wild.example", ANY, "exact" },
		{ "rsa-only.wild.example", ANY, "dual-rsa" },
		{ "both.wild.example", GNUTLS_PK_RSA, "dual-rsa" },
		{ "both.wild.example", GNUTLS_PK_ECDSA, "wild" },
		{ "both.wild.example", GNUTLS_PK_EDDSA_ED25519, "-" },
		{ "dual.example", ANY, "later-ec" },
		{ "dual.example", GNUTLS_PK_ECDSA, "later-ec" },
		{ "dual.example", GNUTLS_PK_RSA, "dual-rsa" },
		{ "dual.example", GNUTLS_PK_RSA_PSS, "-" },
		{ "stale.example", ANY, "valid-rsa" },
		{ "stale.example", GNUTLS_PK_ECDSA, "expired-ec" },
		{ "pss.example", GNUTLS_PK_RSA_PSS, "pss" },
		{ "pss.example", GNUTLS_PK_RSA, "-" },
		{ "no-such.example", ANY, "-" },
	};
	_cleanup_(certificates_unrefp) struct certificates *set = load_set("match/*.pem", NULL);
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *over_long = arena_alloc(&memory, 400);

	assert_int_equal(certificates_count(set), 9);
	assert_string_equal(certificates_at(set, 0)->file, "match/dual-ec.pem");
	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		const struct certificate *found = certificates_match(
			set, table[i].name, &table[i].algorithm, table[i].algorithm == ANY ? 0 : 1);

		if (!text_equals(name_of(&memory, found), table[i].file))
			fail_msg("%s (%d) gets %s, not %s", table[i].name, (int)table[i].algorithm,
				 name_of(&memory, found), table[i].file);
	}
	memset(over_long, 'a', 399);
	assert_null(certificates_match(set, over_long, NULL, 0));
}

static void test_default(void **state)
{
	static const struct {
		const char *glob, *name;
		gnutls_pk_algorithm_t algorithm;
		const char *file;
	} table[] = {
		{ "match/*.pem", "exact.example", ANY, "exact" },
		{ "match/*.pem", "Any.Wild.Example", ANY, "wild" },
		{ "match/*.pem", "dual.example", GNUTLS_PK_RSA, "dual-rsa" },
		{ "match/*.pem", "exact.example", GNUTLS_PK_RSA, "-" },
		{ "match/*.pem", "no-such.example", ANY, "dual-ec" },
		{ "match/*.pem", "", ANY, "dual-ec" },
		{ "match/*.pem", NULL, GNUTLS_PK_ECDSA, "dual-ec" },
		{ "match/*.pem", NULL, GNUTLS_PK_RSA, "dual-rsa" },
		{ "match/*.pem", NULL, GNUTLS_PK_EDDSA_ED25519, "-" },
		{ "warned/nameless.pem", NULL, ANY, "nameless" },
		{ "warned/nameless.pem", NULL, GNUTLS_PK_RSA, "-" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		_cleanup_(certificates_unrefp) struct certificates *set = load_set(table[i].glob,
										   table[i].name);
		const struct certificate *found = certificates_default(
			set, &table[i].algorithm, table[i].algorithm == ANY ? 0 : 1);

		assert_string_equal(name_of(&memory, found), table[i].file);
	}
}

static void test_load_refuses(void **state)
{
	static const struct {
		const char *glob, *words, *told;
		int result;
	} table[] = {
		{ "match/*.crt", "no certificate matches 'match/*.crt'", "", CERTIFICATES_NONE },
		{ "refused/no-key.pem", "none of the certificates can be used",
		  "'refused/no-key.pem' has no private key", -1 },
		{ NULL, "[tls] certificates is empty", "", CERTIFICATES_NONE },
	};

	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		struct certificates_options options = {
			.globs = &table[i].glob,
			.n_globs = table[i].glob ? 1 : 0,
		};
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes warnings = BYTES_IN(&memory);
		struct certificates *set = NULL;
		struct error err = { 0 };

		assert_int_equal(certificates_load(&options, note, &warnings, &set, &err),
				 table[i].result);
		assert_null(set);
		assert_text_has(err.text, table[i].words);
		assert_text_has(bytes_text(&warnings), table[i].told);
	}
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* What one load of partly/ reports as errors. */
static const char *load_partly(struct arena *memory, struct certificates_options options,
			       struct certificates **ret_set)
{
	static const char *const glob = "partly/*.pem";
	struct bytes errors = BYTES_IN(memory);
	struct error err = { 0 };

	options.globs = &glob;
	options.n_globs = 1;
	options.fail = note;
	if (certificates_load(&options, note, &errors, ret_set, &err) != 0)
		fail_msg("%s", err.text);
	return bytes_text(&errors);
}

static void test_one_unusable_of_several(void **state)
{
	_cleanup_(certificates_unrefp) struct certificates *set = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *told;

	shell("rm -rf partly && mkdir partly && cp accepted/ec.pem accepted/rsa.pem partly && "
	      "echo x >partly/zz.pem");
	told = load_partly(&memory, (struct certificates_options){ 0 }, &set);
	assert_int_equal(count_lines(told), 1);
	assert_text_has(told, "'partly/zz.pem' is not a PEM file");
	assert_text_has(told, "it is not used");
	assert_int_equal(certificates_count(set), 2);
	assert_non_null(certificates_match(set, "www.example.org", NULL, 0));
	assert_int_equal(certificates_count_unusable(set), 1);
	assert_string_equal(certificates_unusable_file(set, 0), "partly/zz.pem");
	assert_false(certificates_are_complete(set));
}

static void test_thousands_unusable(void **state)
{
	_cleanup_(certificates_unrefp) struct certificates *set = NULL, *again = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *told;

	shell("rm -rf partly && mkdir partly && cp accepted/ec.pem partly/5000.pem && cd partly && "
	      "for i in $(seq 1000 3999); do echo x >$i.pem; done");
	told = load_partly(&memory, (struct certificates_options){ 0 }, &set);
	assert_int_equal(count_lines(told), CERTIFICATES_REPORTED_MAX + 1);
	assert_text_has(told, "2980 more certificate files cannot be used");
	assert_int_equal(certificates_count_unusable(set), 3000);
	told = load_partly(&memory, (struct certificates_options){ .previous = set }, &again);
	assert_string_equal(told, "");
	assert_int_equal(certificates_count_unusable(again), 3000);
}

/* A name that is required and missing, and what comes of it later. */
static void test_missing_default(void **state)
{
	struct certificates_options options = { .default_name = "example.org",
						.name_is_required = true };
	_cleanup_(certificates_unrefp) struct certificates *first = NULL, *second = NULL;
	_cleanup_(certificates_unrefp) struct certificates *third = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *told;

	shell("rm -rf partly && mkdir partly && cp accepted/rsa.pem partly");
	told = load_partly(&memory, options, &first);
	assert_int_equal(count_lines(told), 1);
	assert_text_has(told, "no certificate has the name 'example.org'");
	assert_text_has(told, "'partly/rsa.pem'");
	assert_false(certificates_are_complete(first));
	assert_string_equal(certificates_default(first, NULL, 0)->file, "partly/rsa.pem");

	options.previous = first;
	assert_string_equal(load_partly(&memory, options, &second), "");
	shell("cp accepted/ec.pem partly/zz.pem");
	options.previous = second;
	assert_string_equal(load_partly(&memory, options, &third), "");
	assert_string_equal(certificates_default(third, NULL, 0)->file, "partly/zz.pem");
	assert_true(certificates_are_complete(third));
}

/* From the stand-in to a certificate, and what stays when that is gone. */
static void test_none_usable(void **state)
{
	struct certificates_options options = { .stand_in_file = "stand-in.pem",
						.stand_in_name = "here.example" };
	_cleanup_(certificates_unrefp) struct certificates *first = NULL, *second = NULL;
	_cleanup_(certificates_unrefp) struct certificates *third = NULL, *fourth = NULL;
	_cleanup_(certificates_unrefp) struct certificates *fifth = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *told;

	shell("rm -rf partly && mkdir partly && echo x >partly/zz.pem");
	told = load_partly(&memory, options, &first);
	assert_text_has(told, "'partly/zz.pem' is not a PEM file");
	assert_text_has(told, "none of the certificates can be used\n");
	assert_text_has(told, "NO CLIENT WILL TRUST THIS SERVER");
	assert_true(certificates_are_stand_in(first));
	assert_int_equal(certificates_count_unusable(first), 1);
	assert_non_null(certificates_match(first, "here.example", NULL, 0));

	options.previous = first;
	assert_string_equal(load_partly(&memory, options, &second), "");
	assert_ptr_equal(certificates_at(first, 0), certificates_at(second, 0));

	shell("cp accepted/ec.pem partly/zz.pem");
	options.previous = second;
	assert_string_equal(load_partly(&memory, options, &third), "");
	assert_true(certificates_are_complete(third) && !certificates_are_stand_in(third));

	shell("rm partly/zz.pem && echo x >partly/yy.pem");
	options.previous = third;
	told = load_partly(&memory, options, &fourth);
	assert_text_has(told, "'partly/yy.pem' is not a PEM file");
	assert_text_has(told,
			"none of the certificates can be used; the old certificates stay in use");
	assert_ptr_equal(certificates_at(fourth, 0), certificates_at(third, 0));
	options.previous = fourth;
	assert_string_equal(load_partly(&memory, options, &fifth), "");
	assert_int_equal(certificates_count(fifth), 1);
	assert_false(certificates_are_complete(fifth));
}

/* A directory that the daemon's user may not read takes nothing else away. */
static void test_unreadable_directory(void **state)
{
	static const char *const globs[] = { "locked/*/*.pem", "locked/b/x.pem" };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificate_files files;
	struct error err = { 0 };

	shell("mkdir -p locked/a locked/b locked/c && touch locked/a/x.pem locked/b/x.pem "
	      "locked/c/x.pem && chmod 0755 . locked locked/a locked/c && chmod 0 locked/b");
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(certificate_files_find(&memory, globs, 2, &files, &err), 0);
	assert_int_equal(seteuid(getuid()), 0);
	shell("chmod 0700 locked/b");
	assert_int_equal(files.n_complaints, 0);
	assert_int_equal(files.count, 4);
	assert_string_equal(files.items[0].path, "locked/a/x.pem");
	assert_null(files.items[0].problem);
	assert_string_equal(files.items[1].path, "locked/b");
	assert_text_has(files.items[1].problem,
			"'locked/b': Permission denied; give the daemon's user");
	assert_string_equal(files.items[2].path, "locked/b/x.pem");
	assert_text_has(files.items[2].problem, "'locked/b/x.pem': Permission denied");
	assert_string_equal(files.items[3].path, "locked/c/x.pem");
}

static void ignore(const char *sentence, void *context)
{
}

static void load_locked(struct certificates_options options, bool is_locked, const char *glob,
			struct certificates **ret_set)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes errors = BYTES_IN(&memory);
	struct error err = { 0 };

	options.globs = &glob;
	options.n_globs = 1;
	options.fail = note;
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	if (certificates_load(&options, ignore, &errors, ret_set, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(count_lines(bytes_text(&errors)), is_locked ? 1 : 0);
	assert_int_equal(certificates_count_unusable(*ret_set), is_locked ? 1 : 0);
}

/* Nobody knows whether the files are still there: their certificates stay in use. */
static void test_directory_becomes_unreadable(void **state)
{
	static const char *const globs[] = { "later/*/*.pem", "later/*", "later/*/" };

	for (size_t i = 0; i < sizeof(globs) / sizeof(*globs); i++) {
		struct certificates_options options = { 0 };
		_cleanup_(certificates_unrefp) struct certificates *first = NULL, *second = NULL;
		_cleanup_(certificates_unrefp) struct certificates *third = NULL;

		shell("rm -rf later && mkdir -p later/a later/a-b later/b && "
		      "cp accepted/ec.pem later/a/x.crt && cp accepted/ec.pem later/a/x.key && "
		      "cp accepted/ec.pem later/a-b/fullchain.pem && "
		      "cp accepted/rsa.pem later/b/fullchain.pem && ln -s x.crt later/a/x.pem && "
		      "chmod 0755 . later later/* && chmod 0644 later/*/*");
		load_locked(options, false, globs[i], &first);
		assert_int_equal(certificates_count(first), 3);
		options.previous = first;
		shell("chmod 0 later/a");
		load_locked(options, true, globs[i], &second);
		assert_int_equal(certificates_count(second), 3);
		for (size_t c = 0; c < 3; c++)
			assert_ptr_equal(certificates_at(second, c), certificates_at(first, c));
		assert_false(certificates_are_complete(second));
		options.previous = second;
		shell("chmod 0755 later/a && rm -r later/a");
		load_locked(options, false, globs[i], &third);
		assert_int_equal(certificates_count(third), 2);
	}
}

/* One end of a connection in memory, and what the daemon would keep with it. */
struct end {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	const struct certificates *set;
	const struct client_suites *suites;
	struct client_hello client;
};

static int on_client_hello(gnutls_session_t session, unsigned type, unsigned when,
			   unsigned incoming, const gnutls_datum_t *message)
{
	struct end *server = gnutls_session_get_ptr(session);

	server->client = client_hello_read(server->suites, message);
	return 0;
}

static int choose(gnutls_session_t session, const struct gnutls_cert_retr_st *unused,
		  gnutls_pcert_st **chain, unsigned *chain_length, gnutls_ocsp_data_st **ocsp,
		  unsigned *n_ocsp, gnutls_privkey_t *key, unsigned *flags)
{
	const struct end *server = gnutls_session_get_ptr(session);
	gnutls_pk_algorithm_t algorithms[CLIENT_ALGORITHMS_MAX];
	int n_algorithms = client_hello_algorithms(session, &server->client, algorithms);
	const struct certificate *found;
	char name[256] = "";
	size_t size = sizeof(name);
	unsigned type;

	if (gnutls_server_name_get(session, name, &size, &type, 0) == 0)
		found = certificates_match(server->set, name, algorithms, n_algorithms);
	else
		found = certificates_default(server->set, algorithms, n_algorithms);
	if (!found)
		return -1;
	*chain = found->chain;
	*chain_length = found->chain_length;
	*key = found->key;
	*ocsp = NULL;
	*n_ocsp = 0;
	*flags = 0;
	return 0;
}

static void end_open(struct end *end, unsigned flags, int fd, const char *priorities)
{
	assert_int_equal(gnutls_init(&end->session, flags | GNUTLS_NONBLOCK), 0);
	assert_int_equal(gnutls_certificate_allocate_credentials(&end->credentials), 0);
	assert_int_equal(gnutls_priority_set_direct(end->session, priorities, NULL), 0);
	gnutls_credentials_set(end->session, GNUTLS_CRD_CERTIFICATE, end->credentials);
	gnutls_transport_set_int(end->session, fd);
	gnutls_session_set_ptr(end->session, end);
}

static void end_close(struct end *end)
{
	gnutls_deinit(end->session);
	gnutls_certificate_free_credentials(end->credentials);
}

static const char server_priorities[] = "NORMAL:+VERS-TLS1.1";

static void open_both(struct end *server, struct end *client, const int fds[2], const char *name,
		      const char *priorities)
{
	end_open(server, GNUTLS_SERVER, fds[0], server_priorities);
	gnutls_certificate_set_retrieve_function3(server->credentials, choose);
	gnutls_handshake_set_hook_function(server->session, GNUTLS_HANDSHAKE_CLIENT_HELLO,
					   GNUTLS_HOOK_PRE, on_client_hello);
	end_open(client, GNUTLS_CLIENT, fds[1], priorities);
	gnutls_session_set_verify_cert(client->session, name, 0);
	assert_true(gnutls_certificate_set_x509_trust_file(client->credentials, "ca.pem",
							   GNUTLS_X509_FMT_PEM) == 1);
	if (name)
		assert_int_equal(gnutls_server_name_set(client->session, GNUTLS_NAME_DNS, name,
							strlen(name)),
				 0);
}

/* Both ends take turns until they are through, or one of them gives up. */
static bool shake_hands(struct end *server, struct end *client)
{
	int theirs = GNUTLS_E_AGAIN, ours = GNUTLS_E_AGAIN;

	for (int turn = 0; turn < 100 && (theirs || ours); turn++) {
		if (theirs)
			theirs = gnutls_handshake(client->session);
		if (ours)
			ours = gnutls_handshake(server->session);
		if ((theirs && gnutls_error_is_fatal(theirs)) ||
		    (ours && gnutls_error_is_fatal(ours)))
			return false;
	}
	return !theirs && !ours;
}

/* The certificate of the set that the client was given. */
static const char *file_of_peer(struct arena *memory, const struct end *client,
				const struct certificates *set)
{
	const gnutls_datum_t *peer = gnutls_certificate_get_peers(client->session, NULL);

	for (size_t i = 0; i < certificates_count(set); i++) {
		const gnutls_datum_t *ours = &certificates_at(set, i)->chain[0].cert;

		if (ours->size == peer->size && memcmp(ours->data, peer->data, peer->size) == 0)
			return name_of(memory, certificates_at(set, i));
	}
	return "?";
}

static void open_sockets(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
			 0);
}

static void test_handshakes(void **state)
{
	static const char tls13[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
	static const char tls12[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
	static const char tls11[] = "NORMAL:-VERS-ALL:+VERS-TLS1.1";
	static const char tls11_rsa[] = "NORMAL:-VERS-ALL:+VERS-TLS1.1:-ECDHE-ECDSA";
	static const char rsa13[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-SHA256:"
				    "+SIGN-RSA-PSS-RSAE-SHA256";
	static const char ec13[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ALL:"
				   "+SIGN-ECDSA-SECP256R1-SHA256";
	static const char both13[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ALL:"
				     "+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-ECDSA-SECP256R1-SHA256";
	/* These list ECDSA signatures all the same. */
	static const char rsa12[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-ECDHE-ECDSA";
	static const char static_rsa12[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA";
	static const char ec12[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA";
	static const char signs12[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-SHA256";
	static const struct {
		const char *name, *priorities, *file;
	} table[] = {
		{ "dual.example", "NORMAL", "later-ec" },
		{ "dual.example", tls13, "later-ec" },
		{ "dual.example", rsa13, "dual-rsa" },
		{ "dual.example", ec13, "later-ec" },
		{ "dual.example", both13, "later-ec" },
		{ "dual.example", tls12, "later-ec" },
		{ "dual.example", rsa12, "dual-rsa" },
		{ "dual.example", static_rsa12, "dual-rsa" },
		{ "dual.example", ec12, "later-ec" },
		{ "dual.example", signs12, "dual-rsa" },
		{ "dual.example", tls11, "later-ec" },
		{ "dual.example", tls11_rsa, "dual-rsa" },
		{ "both.wild.example", tls13, "dual-rsa" },
		{ "both.wild.example", ec13, "wild" },
		{ "both.wild.example", ec12, "wild" },
		{ "x.wild.example", "NORMAL", "wild" },
		{ "exact.example", tls12, "exact" },
		{ "exact.example", rsa13, NULL },
		{ "exact.example", rsa12, NULL },
		{ "pss.example", tls13, "pss" },
		{ "pss.example", tls12, "pss" },
		{ "pss.example", rsa13, NULL },
		{ "ed.example", tls13, "ed25519" },
		{ "ed.example", tls12, "ed25519" },
		{ "no-such.example", "NORMAL", NULL },
		{ NULL, "NORMAL", "dual-ec" },
		{ NULL, rsa12, "dual-rsa" },
	};
	_cleanup_(certificates_unrefp) struct certificates *set = load_set("match/*.pem", NULL);
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct client_suites suites;
	struct error err = { 0 };

	assert_int_equal(client_suites_init(server_priorities, &suites, &err), 0);
	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		struct end server = { .set = set, .suites = &suites }, client = { 0 };
		const char *got = NULL;
		int fds[2];

		open_sockets(fds);
		open_both(&server, &client, fds, table[i].name, table[i].priorities);
		if (shake_hands(&server, &client))
			got = file_of_peer(&memory, &client, set);
		if (!text_equals(got ? got : "-", table[i].file ? table[i].file : "-"))
			fail_msg("%s with %s gets %s, not %s", table[i].name, table[i].priorities,
				 got, table[i].file);
		end_close(&server);
		end_close(&client);
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
}

static void test_reload(void **state)
{
	struct certificates *set, *pinned;
	_cleanup_(certificates_unrefp) struct certificates *renewed = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct end server = { 0 }, client = { 0 };
	struct client_suites suites;
	struct error err = { 0 };
	int fds[2];

	assert_int_equal(client_suites_init(server_priorities, &suites, &err), 0);
	shell("mkdir reload && cp accepted/ec.pem reload/a.pem");
	set = load_set("reload/*.pem", NULL);
	pinned = certificates_ref(set);

	/* The connection began with the old set; its handshake comes after the new is in place. */
	server.set = pinned;
	server.suites = &suites;
	open_sockets(fds);
	open_both(&server, &client, fds, "www.example.org", "NORMAL");
	(void)gnutls_handshake(client.session);
	shell("cp accepted/pair/* reload/ && cat reload/*.pem >/dev/null && rm reload/a.pem && "
	      "cat reload/fullchain.pem reload/privkey.pem >reload/a.pem");
	renewed = load_set("reload/a.pem", NULL);
	certificates_unref(set);

	assert_true(shake_hands(&server, &client));
	assert_string_equal(file_of_peer(&memory, &client, pinned), "a");
	assert_string_equal(file_of_peer(&memory, &client, renewed), "?");
	assert_non_null(certificates_match(pinned, "example.org", NULL, 0));
	assert_null(certificates_match(renewed, "example.org", NULL, 0));
	end_close(&server);
	end_close(&client);
	(void)close(fds[0]);
	(void)close(fds[1]);
	certificates_unref(pinned);
}

/* Loads a set in place of another; what is told comes back. */
static const char *load_again(struct arena *memory, const struct certificates *previous,
			      bool repeats, struct certificates **ret_set)
{
	static const char *const glob = "shared/*.pem";
	struct certificates_options options = {
		.globs = &glob,
		.n_globs = 1,
		.previous = previous,
		.repeats_failures = repeats,
	};
	struct bytes warnings = BYTES_IN(memory);
	struct error err = { 0 };

	if (certificates_load(&options, note, &warnings, ret_set, &err) < 0)
		fail_msg("%s", err.text);
	return arena_strdup(memory, bytes_text(&warnings));
}

static void test_sharing(void **state)
{
	_cleanup_(certificates_unrefp) struct certificates *first = NULL, *second = NULL;
	_cleanup_(certificates_unrefp) struct certificates *third = NULL, *fourth = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *told;

	shell("mkdir shared && cp accepted/ec.pem shared/a.pem && cp accepted/rsa.pem "
	      "shared/b.pem");
	told = load_again(&memory, NULL, false, &first);
	assert_string_equal(told, "");
	assert_int_equal(certificates_count_new(first, NULL), 2);

	shell("cp accepted/p384.pem shared/b.pem && cp accepted/pss.pem shared/c.pem");
	assert_string_equal(load_again(&memory, first, false, &second), "");
	assert_int_equal(certificates_count_new(second, first), 2);
	assert_ptr_equal(certificates_at(second, 0), certificates_at(first, 0));
	assert_non_null(certificates_match(second, "p384.example", NULL, 0));
	assert_null(certificates_match(second, "rsa.example", NULL, 0));

	/* What cannot be loaded stays as it was, or out; it is told once. */
	shell("rm shared/a.pem && echo x >shared/b.pem && cp ca.key shared/d.pem");
	told = load_again(&memory, second, false, &third);
	assert_text_has(told, "'shared/b.pem' is not a PEM file");
	assert_text_has(told, "the one that was loaded before stays in use");
	assert_text_has(told, "'shared/d.pem' has no certificate");
	assert_text_has(told, "it is not used");
	assert_int_equal(certificates_count(third), 2);
	assert_int_equal(certificates_count_new(third, second), 0);
	assert_string_equal(load_again(&memory, third, false, &fourth), "");
	certificates_unref(fourth);
	assert_text_has(load_again(&memory, third, true, &fourth), "'shared/d.pem' has no cert");

	/* The sets before can go; what is shared stays. */
	certificates_unref(TAKE(first));
	certificates_unref(TAKE(second));
	certificates_unref(TAKE(third));
	assert_string_equal(certificates_match(fourth, "p384.example", NULL, 0)->file,
			    "shared/b.pem");
}

static void test_client_hellos(void **state)
{
	/* Version, random, no session id, two suites. */
	unsigned char hello[2 + 32 + 1 + 2 + 4] = { 3, 3 };
	gnutls_datum_t message = { hello, sizeof(hello) };
	struct client_suites suites;
	struct error err = { 0 };
	struct client_hello client;

	assert_int_equal(client_suites_init("NORMAL:-CIPHER-ALL:+AES-128-GCM", &suites, &err), 0);
	memcpy(hello + 35, "\0\4\xc0\x2b\x00\x9c", 6);
	client = client_hello_read(&suites, &message);
	assert_true(client.has_ecdsa_suites && client.has_rsa_suites);

	/* ECDHE-ECDSA with AES-128-CBC, which this server does not offer. */
	memcpy(hello + 37, "\xc0\x09", 2);
	client = client_hello_read(&suites, &message);
	assert_true(!client.has_ecdsa_suites && client.has_rsa_suites);

	for (message.size = 0; message.size < sizeof(hello); message.size++) {
		client = client_hello_read(&suites, &message);
		assert_true(!client.has_ecdsa_suites && !client.has_rsa_suites);
	}
	hello[34] = 255;
	client = client_hello_read(&suites, &message);
	assert_true(!client.has_ecdsa_suites && !client.has_rsa_suites);

	assert_int_equal(client_suites_init("NORMAL:+NO-SUCH", &suites, &err), -1);
	assert_text_has(err.text, "'+NO-SUCH'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_a_must_staple_certificate_signs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_find_files),
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_key_kinds),
		cmocka_unit_test(test_missing_chains),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_load_refuses),
		cmocka_unit_test(test_one_unusable_of_several),
		cmocka_unit_test(test_thousands_unusable),
		cmocka_unit_test(test_missing_default),
		cmocka_unit_test(test_none_usable),
		cmocka_unit_test(test_unreadable_directory),
		cmocka_unit_test(test_directory_becomes_unreadable),
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_client_hellos),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
