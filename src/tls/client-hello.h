#pragma once

/*
 * The kinds of keys that a client supports, by its ClientHello. GnuTLS (as of 3.7.9) does not pass
 * them to the certificate callback of a server, which chooses between ECDSA and RSA. Instead:
 *
 *     gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CLIENT_HELLO,
 *                                        GNUTLS_HOOK_PRE, hook);    which calls client_hello_read()
 *     ... and in the certificate callback client_hello_algorithms(), for certificates_match().
 */

#include <gnutls/gnutls.h>

#include "util/base.h"

#define CLIENT_SUITES_MAX 96
#define CLIENT_ALGORITHMS_MAX 8 /* more than there are kinds of keys */

/* The cipher suites of TLS 1.2 and before that a server offers and that end in a key of its
 * certificate. Made once, then only read. */
struct client_suites {
	struct {
		unsigned char id[2];
		bool is_ecdsa; /* else RSA */
	} items[CLIENT_SUITES_MAX];
	size_t count;
};

/* Takes the suites from the priority string that the server's sessions have. Returns 0, or -1 with
 * err set where GnuTLS does not understand the string. */
int client_suites_init(const char *priorities, struct client_suites *ret_suites, struct error *err);

/* To be kept with the connection from the hook to the callback. */
struct client_hello {
	bool has_ecdsa_suites, has_rsa_suites; /* among those that the server offers */
};

/* Reads the message that the hook is given. Of a malformed one nothing is set; GnuTLS refuses it
 * itself a moment later. */
struct client_hello client_hello_read(const struct client_suites *suites,
				      const gnutls_datum_t *client_hello);

/* The algorithms of keys that the client can check a signature of, in no order. To be called once
 * the version is settled, as it is in the certificate callback. Returns how many there are; 0 is a
 * client that no key will satisfy. */
int client_hello_algorithms(gnutls_session_t session, const struct client_hello *client,
			    gnutls_pk_algorithm_t ret_algorithms[CLIENT_ALGORITHMS_MAX]);
