#include "http/sni.h"

#include <string.h>

#include "http/connection.h"
#include "http/handshake.h"
#include "observe/trace.h"
#include "tls/certificates.h"
#include "util/idna.h"

static int refuse(struct connection *connection, enum handshake_failure failure)
{
	bool is_name = failure == HANDSHAKE_UNKNOWN_NAME;

	gate_blame(connection, failure);
	(void)gnutls_alert_send(connection->session, GNUTLS_AL_FATAL,
				is_name ? GNUTLS_A_UNRECOGNIZED_NAME : GNUTLS_A_HANDSHAKE_FAILURE);
	return is_name ? GNUTLS_E_UNRECOGNIZED_NAME : GNUTLS_E_NO_CIPHER_SUITES;
}

/* Returns whether the client named a host; a name too long for any certificate comes out as "". */
static bool requested_name(gnutls_session_t session, char name[HOST_NAME_MAX_LENGTH + 1])
{
	size_t size = HOST_NAME_MAX_LENGTH;
	unsigned type;
	int r = gnutls_server_name_get(session, name, &size, &type, 0);

	if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return false;
	name[r == 0 ? size : 0] = '\0';
	return true;
}

int sni_select(struct connection *connection, enum sni_policy policy, gnutls_pcert_st **ret_chain,
	       unsigned *ret_length, gnutls_privkey_t *ret_key)
{
	const struct certificates *set = connection->certificates;
	gnutls_pk_algorithm_t algorithms[CLIENT_ALGORITHMS_MAX];
	const struct certificate *certificate = NULL;
	char name[HOST_NAME_MAX_LENGTH + 1];
	bool has_sni = requested_name(connection->session, name), is_named = has_sni;
	int count = client_hello_algorithms(connection->session, &connection->client, algorithms);

	if (is_named && !certificates_match(set, name, NULL, 0)) {
		if (policy == SNI_REFUSE) {
			trace_hello(connection->trace, connection->gate->log, name, NULL);
			return refuse(connection, HANDSHAKE_UNKNOWN_NAME);
		}
		is_named = false;
	}
	if (count > 0)
		certificate = is_named ? certificates_match(set, name, algorithms, count)
				       : certificates_default(set, algorithms, count);
	trace_hello(connection->trace, connection->gate->log, has_sni ? name : NULL, certificate);
	if (!certificate)
		return refuse(connection, HANDSHAKE_NO_CERTIFICATE);
	*ret_chain = certificate->chain;
	*ret_length = certificate->chain_length;
	*ret_key = certificate->key;
	return 0;
}
