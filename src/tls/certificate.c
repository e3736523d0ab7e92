/*
 * Checks a certificate, its chain and its key when they are loaded, so that each common mistake has
 * an error of its own instead of a failed TLS handshake.
 */

#include "tls/certificate.h"

#include <gnutls/x509.h>

#include "tls/certificate-paths.h"
#include "tls/key.h"
#include "util/digest.h"
#include "util/idna.h"
#include "util/string-list.h"

#define DAY ((time_t)24 * 60 * 60)

DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);
DEFINE_CLEANUP(gnutls_x509_tlsfeatures_t, gnutls_x509_tlsfeatures_deinit);

/* The certificates of a file, as parsed for their contents; the leaf first. */
struct chain {
	gnutls_x509_crt_t *items;
	unsigned length;
};

static void chain_clear(struct chain *list)
{
	for (unsigned i = 0; i < list->length; i++)
		gnutls_x509_crt_deinit(list->items[i]);
	gnutls_free(list->items);
	*list = (struct chain){ 0 };
}

static int check_contents(const struct certificate_source *source,
			  const struct pem_content *content, const struct pem_content *key,
			  struct error *err)
{
	const char *file = source->file, *key_file = source->key_file;

	if (!content->blocks)
		return error_set(err, ERROR_TLS,
				 "'%s' is not a PEM file: no line begins with '-----BEGIN'", file);
	if (!content->certificates) {
		error_set(err, ERROR_TLS, "'%s' has no certificate", file);
		return error_hint(err, "put the certificate, its chain and its key in one file, or "
				       "name a directory with " LAYOUT_CHAIN " and " LAYOUT_KEY);
	}
	if (content->certificates > CERTIFICATE_CHAIN_LIMIT) {
		error_set(err, ERROR_TLS, "'%s' has %u certificates; a chain has at most %d", file,
			  content->certificates, CERTIFICATE_CHAIN_LIMIT);
		return error_hint(
			err, "leave only the server's certificate and its intermediates there");
	}
	if (!key->keys) {
		error_set(err, ERROR_TLS, "'%s' has no private key", key_file);
		return error_hint(
			err, "append the key to the file, or name a directory with " LAYOUT_CHAIN
			     " and " LAYOUT_KEY);
	}
	if (key->keys > 1) {
		error_set(err, ERROR_TLS, "'%s' has %u private keys", key_file, key->keys);
		return error_hint(err, "give each certificate a file of its own with its key");
	}
	if (key->key_is_encrypted) {
		error_set(err, ERROR_TLS, "the private key in '%s' is encrypted", key_file);
		return error_hint(err, "decrypt it with 'openssl pkey', because the daemon cannot "
				       "ask for a password");
	}
	return 0;
}

static bool datum_equals(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool is_issued_by(gnutls_x509_crt_t certificate, gnutls_x509_crt_t issuer)
{
	gnutls_datum_t wanted = { 0 }, name = { 0 };
	bool is_issuer;

	is_issuer = gnutls_x509_crt_get_raw_issuer_dn(certificate, &wanted) == 0 &&
		    gnutls_x509_crt_get_raw_dn(issuer, &name) == 0 && datum_equals(&wanted, &name);
	gnutls_free(wanted.data);
	gnutls_free(name.data);
	return is_issuer;
}

/* GnuTLS sorts a chain so that each is followed by its issuer, and drops what is not part of it. It
 * takes as long for that as for parsing, so it need not where the names are in order already. */
static int import_sorted(const struct certificate_source *source, struct chain *list,
			 struct error *err)
{
	gnutls_datum_t data = { (unsigned char *)source->data, (unsigned)source->size };
	int result = gnutls_x509_crt_list_import2(&list->items, &list->length, &data,
						  GNUTLS_X509_FMT_PEM, 0);

	for (unsigned i = 1; result >= 0 && i < list->length; i++) {
		if (is_issued_by(list->items[i - 1], list->items[i]))
			continue;
		chain_clear(list);
		result = gnutls_x509_crt_list_import2(&list->items, &list->length, &data,
						      GNUTLS_X509_FMT_PEM,
						      GNUTLS_X509_CRT_LIST_SORT);
		break;
	}
	if (result >= 0 && list->length)
		return 0;
	return error_set(err, ERROR_TLS, "cannot read a certificate in '%s': %s", source->file,
			 gnutls_strerror(result < 0 ? result : GNUTLS_E_NO_CERTIFICATE_FOUND));
}

/* GnuTLS parsed the names together with the certificate: asking for them one by one is cheap. */
static void import_names(struct arena *memory, gnutls_x509_crt_t leaf,
			 struct certificate *certificate)
{
	struct texts names = TEXTS_IN(memory);

	for (unsigned i = 0;; i++) {
		char name[HOST_NAME_MAX_LENGTH + 2] = "";
		size_t size = sizeof(name);
		int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &size, NULL);
		/* A wildcard counts only as the whole left-most label (RFC 6125 6.4.3). */
		const char *parent = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

		if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
		if (type == GNUTLS_SAN_DNSNAME && strlen(name) == size &&
		    size <= HOST_NAME_MAX_LENGTH && *parent && *parent != '.' &&
		    !strchr(parent, '*'))
			texts_add(&names, text_lower(memory, name));
	}
	certificate->names = names.items;
	certificate->n_names = names.count;
}

const char *certificate_date(struct arena *memory, time_t when)
{
	char text[sizeof("-2147483648-12-31")] = "?";
	struct tm parts;

	if (gmtime_r(&when, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d", &parts);
	return arena_strdup(memory, text);
}

const char *certificate_date_problem(struct arena *memory, const struct certificate *certificate,
				     time_t now)
{
	if (certificate->expires <= now)
		return arena_printf(memory, "expired on %s",
				    certificate_date(memory, certificate->expires));
	if (certificate->starts > now)
		return arena_printf(memory, "not valid before %s",
				    certificate_date(memory, certificate->starts));
	return NULL;
}

static void report_warnings(const struct certificate *certificate, unsigned unrelated,
			    certificates_warner warn, void *context)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = certificate->file, *problem;
	time_t now = time(NULL), left = certificate->expires - now;
	unsigned bits = 0;

	if (!warn)
		return;
	problem = certificate_date_problem(&memory, certificate, now);
	if (problem)
		warn(arena_printf(&memory, "certificate '%s' %s%s; it is served all the same", file,
				  certificate->starts > now ? "is " : "", problem),
		     context);
	/* One with a lifetime of a few days always expires within a week: then little of its
	 * lifetime must be left. */
	else if (left < 7 * DAY && left < (certificate->expires - certificate->starts) / 3)
		warn(arena_printf(&memory, "certificate '%s' expires soon, on %s; renew it", file,
				  certificate_date(&memory, certificate->expires)),
		     context);
	if (!certificate->n_names)
		warn(arena_printf(
			     &memory,
			     "certificate '%s' has no DNS name in its subjectAltName, so it is "
			     "served only as the default certificate",
			     file),
		     context);
	gnutls_pubkey_get_pk_algorithm(certificate->chain[0].pubkey, &bits);
	if (certificate_is_rsa(certificate) && bits > 2048)
		warn(arena_printf(&memory,
				  "certificate '%s' has an RSA key of %u bits, which makes TLS "
				  "handshakes slow; use ECDSA P-256, or RSA with 2048 bits",
				  file, bits),
		     context);
	if (unrelated)
		warn(arena_printf(&memory,
				  "%u of the certificates in '%s' are not in the chain of the "
				  "first and are not sent",
				  unrelated, file),
		     context);
}

/* RFC 7633: clients that heed it reject a handshake without a stapled OCSP response. */
static int check_features(const char *file, gnutls_x509_crt_t leaf, struct error *err)
{
	enum { STATUS_REQUEST = 5, STATUS_REQUEST_V2 = 17 };
	_cleanup_(gnutls_x509_tlsfeatures_deinitp) gnutls_x509_tlsfeatures_t features = NULL;
	unsigned critical, feature;

	if (gnutls_x509_tlsfeatures_init(&features) < 0 ||
	    gnutls_x509_crt_get_tlsfeatures(leaf, features, 0, &critical) < 0)
		return 0;
	for (unsigned i = 0; gnutls_x509_tlsfeatures_get(features, i, &feature) == 0; i++)
		if (feature == STATUS_REQUEST || feature == STATUS_REQUEST_V2) {
			error_set(err, ERROR_TLS,
				  "the certificate in '%s' is must-staple, but OCSP stapling is "
				  "not supported",
				  file);
			return error_hint(err, "request it without must-staple");
		}
	return 0;
}

int certificate_parse(struct arena *memory, const struct certificate_source *source,
		      certificates_warner warn, void *context, struct certificate *ret_certificate,
		      struct error *err)
{
	_cleanup_(certificate_clear) struct certificate certificate = { 0 };
	_cleanup_(chain_clear) struct chain list = { 0 };
	struct pem_content content = pem_scan(source->data, source->size), key_content = content;
	gnutls_x509_crt_t leaf, last;
	unsigned length;

	if (source->key_data)
		key_content = pem_scan(source->key_data, source->key_size);
	if (check_contents(source, &content, &key_content, err) < 0 ||
	    import_sorted(source, &list, err) < 0)
		return -1;
	leaf = list.items[0];
	if (!source->is_for_signing && check_features(source->file, leaf, err) < 0)
		return -1;
	/* A root at the end is not sent: clients trust their own copy only. */
	length = list.length;
	last = list.items[length - 1];
	if (length > 1 && is_issued_by(last, last) && gnutls_x509_crt_check_issuer(last, last))
		length--;
	certificate.chain = arena_array(memory, gnutls_pcert_st, length);
	for (unsigned i = 0; i < length; i++) {
		int result = gnutls_pcert_import_x509(&certificate.chain[i], list.items[i], 0);

		if (result < 0)
			return error_set(err, ERROR_TLS,
					 "cannot use certificate %u of the chain in '%s': %s",
					 i + 1, source->file, gnutls_strerror(result));
		certificate.chain_length++;
	}
	if (key_import(source->key_file, &key_content.key, source->file,
		       certificate.chain[0].pubkey, &certificate.key, err) < 0)
		return -1;
	certificate.file = arena_strdup(memory, source->file);
	certificate.algorithm = (gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(
		certificate.chain[0].pubkey, NULL);
	certificate.starts = gnutls_x509_crt_get_activation_time(leaf);
	certificate.expires = gnutls_x509_crt_get_expiration_time(leaf);
	import_names(memory, leaf, &certificate);
	certificate.is_requested = strncmp(source->data, CERTIFICATE_REQUESTED,
					   strlen(CERTIFICATE_REQUESTED)) == 0;
	certificate.has_issuer = list.length > 1 || is_issued_by(leaf, leaf);
	report_warnings(&certificate,
			content.certificates > list.length ? content.certificates - list.length : 0,
			warn, context);
	*ret_certificate = certificate;
	certificate = (struct certificate){ 0 };
	return 0;
}

int certificate_key_digest(const struct certificate *certificate, struct digest *ret_digest,
			   struct error *err)
{
	size_t size = sizeof(ret_digest->bytes);
	int result = gnutls_pubkey_get_key_id(certificate->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256,
					      ret_digest->bytes, &size);

	if (result < 0)
		return error_set(err, ERROR_TLS, "cannot read the public key of '%s': %s",
				 certificate->file, gnutls_strerror(result));
	return 0;
}

const char *certificate_key_kind(struct arena *memory, const struct certificate *certificate)
{
	gnutls_pubkey_t key = certificate->chain[0].pubkey;
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
	unsigned bits = 0;

	gnutls_pubkey_get_pk_algorithm(key, &bits);
	switch (certificate->algorithm) {
	case GNUTLS_PK_EDDSA_ED25519:
		return "Ed25519";
	case GNUTLS_PK_ECDSA:
		/* GnuTLS says SECP256R1. */
		if (gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0) < 0)
			return "ECDSA";
		return arena_printf(memory, "ECDSA P-%.3s",
				    gnutls_ecc_curve_get_name(curve) + strlen("SECP"));
	case GNUTLS_PK_RSA_PSS:
		return arena_printf(memory, "RSA-PSS %u", bits);
	default:
		return arena_printf(memory, "RSA %u", bits);
	}
}

bool certificate_is_rsa(const struct certificate *certificate)
{
	return certificate->algorithm == GNUTLS_PK_RSA ||
	       certificate->algorithm == GNUTLS_PK_RSA_PSS;
}

void certificate_clear(struct certificate *certificate)
{
	for (unsigned i = 0; i < certificate->chain_length; i++)
		gnutls_pcert_deinit(&certificate->chain[i]);
	if (certificate->key)
		gnutls_privkey_deinit(certificate->key);
	*certificate = (struct certificate){ 0 };
}

gnutls_x509_trust_list_t trust_store_open(void)
{
	gnutls_x509_trust_list_t store;

	if (gnutls_x509_trust_list_init(&store, 0) < 0)
		abort();
	gnutls_x509_trust_list_add_system_trust(store, 0, 0);
	return store;
}

void trust_store_close(gnutls_x509_trust_list_t store)
{
	gnutls_x509_trust_list_deinit(store, 1);
}

const char *trust_store_chain_warning(gnutls_x509_trust_list_t store, struct arena *memory,
				      const struct certificate *certificate)
{
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t leaf = NULL, issuer = NULL;
	gnutls_datum_t name = { 0 };
	const char *warning;

	if (certificate->has_issuer || gnutls_x509_crt_init(&leaf) < 0 ||
	    gnutls_x509_crt_import(leaf, &certificate->chain[0].cert, GNUTLS_X509_FMT_DER) < 0 ||
	    gnutls_x509_trust_list_get_issuer(store, leaf, &issuer, GNUTLS_TL_GET_COPY) == 0)
		return NULL;
	gnutls_x509_crt_get_issuer_dn3(leaf, &name, 0);
	warning = arena_printf(
		memory,
		"certificate '%s' has no chain: its issuer '%s' is neither in the file nor "
		"a CA that this system trusts; append the certificate of the issuer, or "
		"clients that do not have it reject the certificate",
		certificate->file, name.data ? (const char *)name.data : "?");
	gnutls_free(name.data);
	return warning;
}
