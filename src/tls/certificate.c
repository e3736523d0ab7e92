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

static int check_content(const char *file, const struct pem_content *content, struct error *err)
{
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
	return 0;
}

static int check_key_content(const char *file, const struct pem_content *content, struct error *err)
{
	if (!content->keys) {
		error_set(err, ERROR_TLS, "'%s' has no private key", file);
		return error_hint(
			err, "append the key to the file, or name a directory with " LAYOUT_CHAIN
			     " and " LAYOUT_KEY);
	}
	if (content->keys > 1) {
		error_set(err, ERROR_TLS, "'%s' has %u private keys", file, content->keys);
		return error_hint(err, "give each certificate a file of its own with its key");
	}
	if (content->key_is_encrypted) {
		error_set(err, ERROR_TLS, "the private key in '%s' is encrypted", file);
		return error_hint(err, "decrypt it with 'openssl pkey', because the daemon cannot "
				       "ask for a password");
	}
	return 0;
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

static bool is_in_order(const struct chain *list)
{
	for (unsigned i = 1; i < list->length; i++)
		if (!is_issued_by(list->items[i - 1], list->items[i]))
			return false;
	return true;
}

static int import_list(const struct certificate_source *source, unsigned flags,
		       struct chain *ret_list, struct error *err)
{
	gnutls_datum_t data = { (unsigned char *)source->data, (unsigned)source->size };
	struct chain list = { 0 };
	int result;

	result = gnutls_x509_crt_list_import2(&list.items, &list.length, &data, GNUTLS_X509_FMT_PEM,
					      flags);
	if (result < 0 || !list.length)
		return error_set(
			err, ERROR_TLS, "cannot read a certificate in '%s': %s", source->file,
			gnutls_strerror(result < 0 ? result : GNUTLS_E_NO_CERTIFICATE_FOUND));
	*ret_list = list;
	return 0;
}

/* GnuTLS sorts a chain so that each is followed by its issuer, and drops what is not part of it. It
 * takes as long for that as for parsing, so it need not where the names are in order already. */
static int import_sorted(const struct certificate_source *source, struct chain *list,
			 struct error *err)
{
	if (import_list(source, 0, list, err) < 0)
		return -1;
	if (is_in_order(list))
		return 0;
	chain_clear(list);
	return import_list(source, GNUTLS_X509_CRT_LIST_SORT, list, err);
}

static int check_key(const struct certificate_source *source, const struct certificate *certificate,
		     struct error *err)
{
	if (key_belongs_to(certificate->key, certificate->chain[0].pubkey))
		return 0;
	error_set(err, ERROR_TLS,
		  "the private key in '%s' does not belong to the first certificate in '%s'",
		  source->key_file, source->file);
	return error_hint(err, "put the server's own certificate first and its chain after it");
}

/* A root at the end is not sent: clients trust their own copy only. */
static int import_chain(struct arena *memory, const struct certificate_source *source,
			const struct chain *list, struct certificate *certificate,
			struct error *err)
{
	unsigned length = list->length;
	gnutls_x509_crt_t last = list->items[length - 1];

	if (length > 1 && is_issued_by(last, last) && gnutls_x509_crt_check_issuer(last, last))
		length--;
	certificate->chain = arena_array(memory, gnutls_pcert_st, length);
	for (unsigned i = 0; i < length; i++) {
		int result = gnutls_pcert_import_x509(&certificate->chain[i], list->items[i], 0);

		if (result < 0)
			return error_set(err, ERROR_TLS,
					 "cannot use certificate %u of the chain in '%s': %s",
					 i + 1, source->file, gnutls_strerror(result));
		certificate->chain_length++;
	}
	return 0;
}

/* Whether a client could mean this name: a wildcard counts only as the whole left-most label
 * (RFC 6125 6.4.3). */
static bool name_is_usable(const char *name, size_t length)
{
	const char *parent = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

	return strlen(name) == length && length <= HOST_NAME_MAX_LENGTH && *parent &&
	       *parent != '.' && !strchr(parent, '*');
}

/* GnuTLS parsed the names together with the certificate: asking for them one by one is cheap. */
static void import_names(struct arena *memory, gnutls_x509_crt_t leaf,
			 struct certificate *certificate)
{
	_cleanup_(freep) const char **names = NULL;
	const char **kept;
	size_t count = 0;

	for (unsigned i = 0;; i++) {
		char name[HOST_NAME_MAX_LENGTH + 2] = "";
		size_t size = sizeof(name);
		int type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &size, NULL);

		if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
		if (type != GNUTLS_SAN_DNSNAME || !name_is_usable(name, size))
			continue;
		if ((count & (count - 1)) == 0)
			names = xrealloc(names, count ? count * 2 : 1, sizeof(*names));
		names[count++] = text_lower(memory, name);
	}
	kept = arena_array(memory, const char *, count);
	if (count)
		memcpy(kept, names, count * sizeof(*names));
	certificate->names = kept;
	certificate->n_names = count;
}

const char *certificate_date(struct arena *memory, time_t when)
{
	char text[sizeof("-2147483648-12-31")] = "?";
	struct tm parts;

	if (gmtime_r(&when, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d", &parts);
	return arena_strdup(memory, text);
}

/* A certificate with a lifetime of a few days always expires within a week; it expires soon when
 * little of its lifetime is left. */
static bool expires_soon(const struct certificate *certificate, time_t now)
{
	time_t left = certificate->expires - now;

	return left < 7 * DAY && left < (certificate->expires - certificate->starts) / 3;
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

static const char *date_warning(struct arena *memory, const struct certificate *certificate)
{
	time_t now = time(NULL);
	const char *problem = certificate_date_problem(memory, certificate, now);

	if (problem)
		return arena_printf(memory, "certificate '%s' %s%s; it is served all the same",
				    certificate->file, certificate->starts > now ? "is " : "",
				    problem);
	if (expires_soon(certificate, now))
		return arena_printf(memory, "certificate '%s' expires soon, on %s; renew it",
				    certificate->file,
				    certificate_date(memory, certificate->expires));
	return NULL;
}

static const char *key_warning(struct arena *memory, const struct certificate *certificate)
{
	unsigned bits;

	if (certificate->algorithm != GNUTLS_PK_RSA && certificate->algorithm != GNUTLS_PK_RSA_PSS)
		return NULL;
	gnutls_pubkey_get_pk_algorithm(certificate->chain[0].pubkey, &bits);
	if (bits <= 2048)
		return NULL;
	return arena_printf(memory,
			    "certificate '%s' has an RSA key of %u bits, which makes TLS "
			    "handshakes slow; use ECDSA P-256, or RSA with 2048 bits",
			    certificate->file, bits);
}

static const char *name_warning(struct arena *memory, const struct certificate *certificate)
{
	if (certificate->n_names)
		return NULL;
	return arena_printf(memory,
			    "certificate '%s' has no DNS name in its subjectAltName, so it is "
			    "served only as the default certificate",
			    certificate->file);
}

static void report_warnings(const struct certificate *certificate, unsigned unrelated,
			    certificates_warner warn, void *context)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *sentences[] = {
		date_warning(&memory, certificate),
		name_warning(&memory, certificate),
		key_warning(&memory, certificate),
		unrelated
			? arena_printf(&memory,
				       "%u of the certificates in '%s' are not in the chain of the "
				       "first and are not sent",
				       unrelated, certificate->file)
			: NULL,
	};

	for (size_t i = 0; warn && i < sizeof(sentences) / sizeof(*sentences); i++)
		if (sentences[i])
			warn(sentences[i], context);
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

static int fill_certificate(struct arena *memory, const struct certificate_source *source,
			    const struct chain *list, const gnutls_datum_t *key,
			    struct certificate *certificate, struct error *err)
{
	gnutls_x509_crt_t leaf = list->items[0];

	certificate->file = arena_strdup(memory, source->file);
	certificate->has_issuer = list->length > 1 || is_issued_by(leaf, leaf);
	if (check_features(source->file, leaf, err) < 0 ||
	    import_chain(memory, source, list, certificate, err) < 0 ||
	    key_import(source->key_file, key, &certificate->key, err) < 0 ||
	    check_key(source, certificate, err) < 0)
		return -1;
	certificate->algorithm = (gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(
		certificate->chain[0].pubkey, NULL);
	certificate->starts = gnutls_x509_crt_get_activation_time(leaf);
	certificate->expires = gnutls_x509_crt_get_expiration_time(leaf);
	import_names(memory, leaf, certificate);
	return 0;
}

int certificate_parse(struct arena *memory, const struct certificate_source *source,
		      certificates_warner warn, void *context, struct certificate *ret_certificate,
		      struct error *err)
{
	_cleanup_(chain_clear) struct chain list = { 0 };
	struct pem_content content = pem_scan(source->data, source->size), key_content = content;
	struct certificate certificate = { 0 };
	unsigned unrelated = 0;

	if (source->key_data)
		key_content = pem_scan(source->key_data, source->key_size);
	if (check_content(source->file, &content, err) < 0 ||
	    check_key_content(source->key_file, &key_content, err) < 0 ||
	    import_sorted(source, &list, err) < 0)
		return -1;
	if (fill_certificate(memory, source, &list, &key_content.key, &certificate, err) < 0) {
		certificate_clear(&certificate);
		return -1;
	}
	if (content.certificates > list.length)
		unrelated = content.certificates - list.length;
	certificate.is_requested = strncmp(source->data, CERTIFICATE_REQUESTED,
					   strlen(CERTIFICATE_REQUESTED)) == 0;
	report_warnings(&certificate, unrelated, warn, context);
	*ret_certificate = certificate;
	return 0;
}

int certificate_key_digest(const struct certificate *certificate, struct digest *ret_digest,
			   struct error *err)
{
	gnutls_datum_t key = { 0 };
	int result = gnutls_pubkey_export2(certificate->chain[0].pubkey, GNUTLS_X509_FMT_DER, &key);

	if (result < 0)
		return error_set(err, ERROR_TLS, "cannot read the public key of '%s': %s",
				 certificate->file, gnutls_strerror(result));
	*ret_digest = digest_of(key.data, key.size);
	gnutls_free(key.data);
	return 0;
}

/* As people and OpenSSL name them; GnuTLS says SECP256R1. */
static const char *curve_name(gnutls_pubkey_t key)
{
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

	gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0);
	switch (curve) {
	case GNUTLS_ECC_CURVE_SECP224R1:
		return "P-224";
	case GNUTLS_ECC_CURVE_SECP256R1:
		return "P-256";
	case GNUTLS_ECC_CURVE_SECP384R1:
		return "P-384";
	case GNUTLS_ECC_CURVE_SECP521R1:
		return "P-521";
	default:
		return gnutls_ecc_curve_get_name(curve);
	}
}

const char *certificate_key_kind(struct arena *memory, const struct certificate *certificate)
{
	gnutls_pubkey_t key = certificate->chain[0].pubkey;
	unsigned bits = 0;
	int algorithm = gnutls_pubkey_get_pk_algorithm(key, &bits);

	switch (algorithm) {
	case GNUTLS_PK_EDDSA_ED25519:
		return "Ed25519";
	case GNUTLS_PK_EDDSA_ED448:
		return "Ed448";
	case GNUTLS_PK_ECDSA:
		return arena_printf(memory, "ECDSA %s", curve_name(key));
	case GNUTLS_PK_RSA_PSS:
		return arena_printf(memory, "RSA-PSS %u", bits);
	default:
		return arena_printf(memory, "RSA %u", bits);
	}
}

void certificate_clear(struct certificate *certificate)
{
	for (unsigned i = 0; i < certificate->chain_length; i++)
		gnutls_pcert_deinit(&certificate->chain[i]);
	if (certificate->key)
		gnutls_privkey_deinit(certificate->key);
	*certificate = (struct certificate){ 0 };
}

struct trust_store {
	gnutls_x509_trust_list_t list;
};

struct trust_store *trust_store_open(void)
{
	struct trust_store *store = xnew(struct trust_store);

	if (gnutls_x509_trust_list_init(&store->list, 0) < 0)
		abort();
	gnutls_x509_trust_list_add_system_trust(store->list, 0, 0);
	return store;
}

void trust_store_close(struct trust_store *store)
{
	if (!store)
		return;
	gnutls_x509_trust_list_deinit(store->list, 1);
	free(store);
}

static const char *issuer_name(struct arena *memory, gnutls_x509_crt_t certificate)
{
	gnutls_datum_t name = { 0 };
	const char *text = "?";

	if (gnutls_x509_crt_get_issuer_dn3(certificate, &name, 0) == 0)
		text = arena_strndup(memory, (const char *)name.data, name.size);
	gnutls_free(name.data);
	return text;
}

const char *trust_store_chain_warning(const struct trust_store *store, struct arena *memory,
				      const struct certificate *certificate)
{
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t leaf = NULL, issuer = NULL;

	if (certificate->has_issuer || gnutls_x509_crt_init(&leaf) < 0 ||
	    gnutls_x509_crt_import(leaf, &certificate->chain[0].cert, GNUTLS_X509_FMT_DER) < 0 ||
	    gnutls_x509_trust_list_get_issuer(store->list, leaf, &issuer, GNUTLS_TL_GET_COPY) == 0)
		return NULL;
	return arena_printf(
		memory,
		"certificate '%s' has no chain: its issuer '%s' is neither in the file nor "
		"a CA that this system trusts; append the certificate of the issuer, or "
		"clients that do not have it reject the certificate",
		certificate->file, issuer_name(memory, leaf));
}
