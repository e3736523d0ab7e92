#pragma once

/* Which certificate a client gets: GnuTLS asks here while it reads a ClientHello. */

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

struct connection;

enum sni_policy {
	SNI_REFUSE,  /* a name without certificate is refused: alert unrecognized_name */
	SNI_DEFAULT, /* it gets the default certificate */
};

/* Finds the certificate for the name in the session's ClientHello (RFC 6066 3) in the set that is
 * pinned to the connection. The results are borrowed from the set. Returns 0, or a GnuTLS error
 * after the alert went out, for libmicrohttpd closes a failed handshake without one, and the gate
 * knows why. */
int sni_select(struct connection *connection, enum sni_policy policy, gnutls_pcert_st **ret_chain,
	       unsigned *ret_length, gnutls_privkey_t *ret_key);
