/*
 * TLS 1.3 takes the kind of key from the signature algorithms alone (RFC 8446 4.2.3). Up to TLS 1.2
 * the cipher suite names it as well (RFC 5246 7.4.2), and clients that have switched ECDSA suites
 * off still list ECDSA signatures: both must agree.
 */

#include "tls/client-hello.h"

#include <gnutls/abstract.h>

DEFINE_CLEANUP(gnutls_priority_t, gnutls_priority_deinit);

static void add_suite(struct client_suites *suites, unsigned index)
{
	gnutls_kx_algorithm_t exchange;
	unsigned char id[2];

	if (!gnutls_cipher_suite_info(index, id, &exchange, NULL, NULL, NULL) ||
	    suites->count == CLIENT_SUITES_MAX)
		return;
	switch (exchange) {
	case GNUTLS_KX_ECDHE_ECDSA:
		suites->items[suites->count].is_ecdsa = true;
		break;
	case GNUTLS_KX_ECDHE_RSA:
	case GNUTLS_KX_DHE_RSA:
	case GNUTLS_KX_RSA:
		break;
	default:
		return;
	}
	memcpy(suites->items[suites->count++].id, id, sizeof(id));
}

int client_suites_init(const char *priorities, struct client_suites *ret_suites, struct error *err)
{
	_cleanup_(gnutls_priority_deinitp) gnutls_priority_t cache = NULL;
	struct client_suites suites = { 0 };
	const char *wrong = priorities;
	unsigned index;
	int result;

	result = gnutls_priority_init(&cache, priorities, &wrong);
	if (result < 0) {
		cache = NULL;
		return error_set(err, ERROR_TLS, "the TLS priorities are invalid at '%s': %s",
				 wrong, gnutls_strerror(result));
	}
	/* An index may stand for a suite that this GnuTLS does not have. */
	for (unsigned i = 0; (result = gnutls_priority_get_cipher_suite_index(cache, i, &index)) !=
			     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	     i++)
		if (result == 0)
			add_suite(&suites, index);
	*ret_suites = suites;
	return 0;
}

/*
 *     03 03          the version that it pretends to (RFC 8446 4.1.2)
 *     ... 32 bytes   random
 *     20 ...         session id, after its length
 *     00 04 c02b c02f  cipher suites, after their length in bytes
 */
static const unsigned char *find_suites(const gnutls_datum_t *hello, size_t *ret_size)
{
	size_t at = 2 + 32, size;

	if (hello->size < at + 1)
		return NULL;
	at += 1u + hello->data[at];
	if (hello->size < at + 2)
		return NULL;
	size = (size_t)hello->data[at] << 8 | hello->data[at + 1];
	at += 2;
	if (hello->size < at + size)
		return NULL;
	*ret_size = size & ~(size_t)1;
	return hello->data + at;
}

static bool offers_suite(const unsigned char *offered, size_t size, const unsigned char id[2])
{
	for (size_t i = 0; i < size; i += 2)
		if (offered[i] == id[0] && offered[i + 1] == id[1])
			return true;
	return false;
}

struct client_hello client_hello_read(const struct client_suites *suites,
				      const gnutls_datum_t *client_hello)
{
	struct client_hello client = { 0 };
	const unsigned char *offered;
	size_t size;

	offered = find_suites(client_hello, &size);
	for (size_t i = 0; offered && i < suites->count; i++) {
		bool *has = suites->items[i].is_ecdsa ? &client.has_ecdsa_suites
						      : &client.has_rsa_suites;

		if (!*has)
			*has = offers_suite(offered, size, suites->items[i].id);
	}
	return client;
}

/* The key that makes such a signature. GnuTLS gives the same public algorithm for both kinds of
 * RSA-PSS, of which one is made with an ordinary RSA key. */
static gnutls_pk_algorithm_t key_algorithm(gnutls_sign_algorithm_t signature, bool is_tls13)
{
	switch (signature) {
	case GNUTLS_SIGN_RSA_PSS_RSAE_SHA256:
	case GNUTLS_SIGN_RSA_PSS_RSAE_SHA384:
	case GNUTLS_SIGN_RSA_PSS_RSAE_SHA512:
		return GNUTLS_PK_RSA;
	default:
		break;
	}
	/* PKCS #1 is listed for certificates only there (RFC 8446 4.2.3). */
	if (is_tls13 && gnutls_sign_get_pk_algorithm(signature) == GNUTLS_PK_RSA)
		return GNUTLS_PK_UNKNOWN;
	return gnutls_sign_get_pk_algorithm(signature);
}

static bool suites_allow(const struct client_hello *client, gnutls_pk_algorithm_t algorithm)
{
	bool is_rsa = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;

	return is_rsa ? client->has_rsa_suites : client->has_ecdsa_suites;
}

static int add_algorithm(gnutls_pk_algorithm_t *algorithms, int count,
			 gnutls_pk_algorithm_t algorithm)
{
	for (int i = 0; i < count; i++)
		if (algorithms[i] == algorithm)
			return count;
	if (algorithm == GNUTLS_PK_UNKNOWN || count == CLIENT_ALGORITHMS_MAX)
		return count;
	algorithms[count] = algorithm;
	return count + 1;
}

/* Before TLS 1.2, and of a client that lists no signatures, the suites tell all. */
static int from_suites(const struct client_hello *client, gnutls_pk_algorithm_t *algorithms)
{
	int count = 0;

	if (client->has_ecdsa_suites)
		count = add_algorithm(algorithms, count, GNUTLS_PK_ECDSA);
	if (client->has_rsa_suites)
		count = add_algorithm(algorithms, count, GNUTLS_PK_RSA);
	return count;
}

int client_hello_algorithms(gnutls_session_t session, const struct client_hello *client,
			    gnutls_pk_algorithm_t ret_algorithms[CLIENT_ALGORITHMS_MAX])
{
	bool is_tls13 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
	gnutls_sign_algorithm_t signature;
	size_t listed = 0;
	int count = 0;

	for (; gnutls_sign_algorithm_get_requested(session, listed, &signature) == 0; listed++) {
		gnutls_pk_algorithm_t algorithm = key_algorithm(signature, is_tls13);

		if (is_tls13 || suites_allow(client, algorithm))
			count = add_algorithm(ret_algorithms, count, algorithm);
	}
	return listed || is_tls13 ? count : from_suites(client, ret_algorithms);
}
