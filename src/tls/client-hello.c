/*
 * TLS 1.3 takes the kind of key from the signature algorithms alone (RFC 8446 4.2.3). Up to TLS 1.2
 * the cipher suite names it as well (RFC 5246 7.4.2), and clients that have switched ECDSA suites
 * off still list ECDSA signatures: both must agree.
 */

#include "tls/client-hello.h"

#include <gnutls/abstract.h>

DEFINE_CLEANUP(gnutls_priority_t, gnutls_priority_deinit);

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
	     i++) {
		gnutls_kx_algorithm_t exchange;
		unsigned char id[2];

		if (result < 0 || suites.count == CLIENT_SUITES_MAX ||
		    !gnutls_cipher_suite_info(index, id, &exchange, NULL, NULL, NULL))
			continue;
		if (exchange != GNUTLS_KX_ECDHE_ECDSA && exchange != GNUTLS_KX_ECDHE_RSA &&
		    exchange != GNUTLS_KX_DHE_RSA && exchange != GNUTLS_KX_RSA)
			continue;
		memcpy(suites.items[suites.count].id, id, sizeof(id));
		suites.items[suites.count++].is_ecdsa = exchange == GNUTLS_KX_ECDHE_ECDSA;
	}
	*ret_suites = suites;
	return 0;
}

/*
 *     03 03          the version that it pretends to (RFC 8446 4.1.2)
 *     ... 32 bytes   random
 *     20 ...         session id, after its length
 *     00 04 c02b c02f  cipher suites, after their length in bytes
 */
struct client_hello client_hello_read(const struct client_suites *suites,
				      const gnutls_datum_t *client_hello)
{
	const unsigned char *data = client_hello->data;
	struct client_hello client = { 0 };
	size_t at = 2 + 32, size;

	if (client_hello->size < at + 1)
		return client;
	at += 1u + data[at];
	if (client_hello->size < at + 2)
		return client;
	size = (size_t)data[at] << 8 | data[at + 1];
	at += 2;
	if (client_hello->size < at + size)
		return client;
	for (size_t i = 0; i < suites->count; i++) {
		bool *has = suites->items[i].is_ecdsa ? &client.has_ecdsa_suites
						      : &client.has_rsa_suites;

		for (size_t j = 0; !*has && j + 1 < size; j += 2)
			*has = memcmp(data + at + j, suites->items[i].id, 2) == 0;
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

int client_hello_algorithms(gnutls_session_t session, const struct client_hello *client,
			    gnutls_pk_algorithm_t ret_algorithms[CLIENT_ALGORITHMS_MAX])
{
	bool is_tls13 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
	gnutls_sign_algorithm_t signature;
	size_t listed = 0;
	int count = 0;

	for (; gnutls_sign_algorithm_get_requested(session, listed, &signature) == 0; listed++) {
		gnutls_pk_algorithm_t algorithm = key_algorithm(signature, is_tls13);
		bool is_rsa = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;

		if (is_tls13 || (is_rsa ? client->has_rsa_suites : client->has_ecdsa_suites))
			count = add_algorithm(ret_algorithms, count, algorithm);
	}
	/* Before TLS 1.2, and of a client that lists no signatures, the suites tell all. */
	if (!listed && !is_tls13 && client->has_ecdsa_suites)
		ret_algorithms[count++] = GNUTLS_PK_ECDSA;
	if (!listed && !is_tls13 && client->has_rsa_suites)
		ret_algorithms[count++] = GNUTLS_PK_RSA;
	return count;
}
