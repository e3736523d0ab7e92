#pragma once

/*
 * TLS handshakes, and the records of a connection.
 *
 * libmicrohttpd keeps a connection on its list of ready ones while a TLS handshake waits, and so
 * occupies a processor for any client that falls silent after its ClientHello. Here a handshake
 * that has nothing to read is suspended, and its descriptor put into the worker's own epoll set;
 * once it is readable, the connection is resumed. A handshake also waits here, unread, until the
 * certificates are loaded.
 */

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "http/connection.h"

/* A connection with a session has been opened. */
void handshake_begin(struct connection *connection);

/* MHD_OPTION_HTTPS_CERT_CALLBACK2. Finds the certificate for the SNI of the session's ClientHello
 * (RFC 6066 3) in the set that is pinned to the connection. The results are borrowed from the set.
 * Returns 0, or a GnuTLS error after the alert was sent, because libmicrohttpd closes a failed
 * handshake without one. */
int handshake_select_certificate(gnutls_session_t session,
				 const struct gnutls_cert_retr_st *request, gnutls_pcert_st **chain,
				 unsigned *length, gnutls_ocsp_data_st **ocsp,
				 unsigned *ocsp_length, gnutls_privkey_t *key, unsigned *flags);
