#include "http/handshake.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "answer/client-limits.h"
#include "observe/trace.h"
#include "tls/certificates.h"
#include "tls/ticket-key.h"
#include "util/base.h"
#include "util/clock.h"
#include "util/idna.h"
#include "util/log.h"

#define RECORD_HEAD 5
#define RECORD_ALERT 21
#define RECORD_DATA 23
#define HIDDEN_ALERT 19

/*
 * Why a handshake is about to fail, from what GnuTLS reads, for libmicrohttpd closes the session
 * before it tells of its end. GnuTLS reads a record's head by itself: its type, the version and a
 * length (RFC 8446 5.1). TLS 1.3 hides an alert behind the type of data, but not its length: two
 * bytes, the true type and a tag of 16, while what else comes is longer.
 */
static void watch_handshake(struct connection *connection, const unsigned char *data, ssize_t got)
{
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		connection_blame(connection, HANDSHAKE_CLOSED);
	else if (got == RECORD_HEAD &&
		 (data[0] == RECORD_ALERT ||
		  (data[0] == RECORD_DATA && data[3] == 0 && data[4] == HIDDEN_ALERT)))
		connection_blame(connection, HANDSHAKE_ALERT);
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *data, size_t size)
{
	struct connection *connection = pointer;
	const int yes = 1;
	ssize_t got;

	/* What was received before the connection was ended is not worth reading. */
	if (connection_is_ended(connection))
		return 0;
	if (!connection->certificates) {
		connection_suspend(connection, false);
		gnutls_transport_set_errno(connection->session, EAGAIN);
		return -1;
	}
	got = recv(connection->fd, data, size, 0);
	if (connection->is_handshaking)
		watch_handshake(connection, data, got);
	if (got > 0 && !intake_count(&connection->intake, data, (size_t)got)) {
		connection_blame(connection, HANDSHAKE_TOO_LARGE);
		gnutls_transport_set_errno(connection->session, EMSGSIZE);
		return -1;
	}
	if (got < 0) {
		int error = errno;

		if (error == EAGAIN && connection->is_handshaking)
			connection_suspend(connection, true);
		/* After a handshake of TLS 1.3 we have sent all (tickets went out before the
		 * client's Finished), so no data of ours carries the acknowledgement; a client with
		 * Nagle's algorithm on holds its request back until that comes, and we would delay
		 * it by 40 ms. */
		else if (error == EAGAIN && connection->is_fresh)
			setsockopt(connection->fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
		gnutls_transport_set_errno(connection->session, error);
	}
	return got;
}

static ssize_t push(gnutls_transport_ptr_t pointer, const giovec_t *data, int count)
{
	struct connection *connection = pointer;
	struct msghdr message = {
		.msg_iov = (struct iovec *)data,
		.msg_iovlen = (size_t)count,
	};
	ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);

	if (sent < 0) {
		int error = errno;

		if (error != EAGAIN && error != EINTR)
			connection_blame(connection, HANDSHAKE_CLOSED);
		gnutls_transport_set_errno(connection->session, error);
	}
	return sent;
}

/* Called before the key exchange, which costs most of a handshake. */
static int charge(struct connection *connection)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct client_limits *limits = connection->all->limits;
	struct client_network network;
	enum admission admission;

	if (!limits || connection->is_charged)
		return 0;
	connection->is_charged = true;
	admission = client_limits_admit(limits, connection_client(connection), clock_microseconds(),
					&network);
	if (admission == ADMITTED) {
		connection->is_prepaid = true;
		return 0;
	}
	if (admission == REFUSED)
		log_info("TLS handshake refused: client=\"%s\" reason=rate-limit",
			 client_network_text(&memory, &network));
	connection_blame(connection, HANDSHAKE_RATE_LIMIT);
	gnutls_alert_send(connection->session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR);
	return GNUTLS_E_USER_ERROR;
}

static void finish_handshake(struct connection *connection)
{
	bool is_resumed = gnutls_session_is_resumed(connection->session);
	enum tls_version version = gnutls_protocol_get_version(connection->session) == GNUTLS_TLS1_3
					   ? TLS_VERSION_1_3
					   : TLS_VERSION_1_2;

	connection->intake.is_established = true;
	connection->tls_version = version;
	connection->is_resumed = is_resumed;
	counter_add(&connection->all->counters->handshakes[version][is_resumed], 1);
	trace_handshake(connection->trace, version, is_resumed);
	connection->is_handshaking = false;
	connection_queue(connection, &connection->all->requests);
}

/* The ClientHello tells which keys will do; the client's Finished is the last message that a
 * handshake waits for, in TLS 1.2 and 1.3. */
static int message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
		   const gnutls_datum_t *content)
{
	struct connection *connection = gnutls_transport_get_ptr(session);

	if (!incoming)
		return 0;
	if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO && when == GNUTLS_HOOK_PRE) {
		connection->client = client_hello_read(connection->all->suites, content);
		return charge(connection);
	}
	if (type == GNUTLS_HANDSHAKE_FINISHED && when == GNUTLS_HOOK_POST &&
	    connection->is_handshaking)
		finish_handshake(connection);
	/* GnuTLS then reports that there is nothing to read, and libmicrohttpd waits for an edge of
	 * its epoll set, which does not come for a request that was received together with this. */
	if (type == GNUTLS_HANDSHAKE_KEY_UPDATE && when == GNUTLS_HOOK_POST)
		connection_suspend(connection, true);
	return 0;
}

void handshake_begin(struct connection *connection)
{
	struct certificates *certificates = connection->all->serving->certificates;
	gnutls_session_t session = connection->session;

	if (certificates)
		connection->certificates = certificates_ref(certificates);
	connection->is_handshaking = true;
	connection_queue(connection, &connection->all->handshakes);
	gnutls_transport_set_ptr(session, connection);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_vec_push_function(session, push);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_BOTH,
					   message);
	ticket_key_enable(connection->all->ticket_key, session);
}

static int refuse_hello(struct connection *connection, enum handshake_failure failure)
{
	bool is_name = failure == HANDSHAKE_UNKNOWN_NAME;

	connection_blame(connection, failure);
	gnutls_alert_send(connection->session, GNUTLS_AL_FATAL,
			  is_name ? GNUTLS_A_UNRECOGNIZED_NAME : GNUTLS_A_HANDSHAKE_FAILURE);
	return is_name ? GNUTLS_E_UNRECOGNIZED_NAME : GNUTLS_E_NO_CIPHER_SUITES;
}

int handshake_select_certificate(gnutls_session_t session,
				 const struct gnutls_cert_retr_st *request, gnutls_pcert_st **chain,
				 unsigned *length, gnutls_ocsp_data_st **ocsp,
				 unsigned *ocsp_length, gnutls_privkey_t *key, unsigned *flags)
{
	struct connection *connection = gnutls_transport_get_ptr(session);
	const struct serving *serving = connection->all->serving;
	const struct certificates *set = connection->certificates;
	gnutls_pk_algorithm_t algorithms[CLIENT_ALGORITHMS_MAX];
	int count = client_hello_algorithms(session, &connection->client, algorithms);
	const struct certificate *certificate = NULL;
	char name[HOST_NAME_MAX_LENGTH + 1];
	size_t size = HOST_NAME_MAX_LENGTH;
	bool has_sni, is_named;
	unsigned type;
	int r = gnutls_server_name_get(session, name, &size, &type, 0);

	/* A name too long for any certificate counts as "". */
	has_sni = is_named = r != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	name[r == 0 ? size : 0] = '\0';
	if (is_named && !certificates_match(set, name, NULL, 0)) {
		if (serving->unknown_name == UNKNOWN_NAME_REFUSE) {
			trace_hello(connection->trace, &serving->log, name, NULL);
			return refuse_hello(connection, HANDSHAKE_UNKNOWN_NAME);
		}
		is_named = false;
	}
	if (count > 0)
		certificate = is_named ? certificates_match(set, name, algorithms, count)
				       : certificates_default(set, algorithms, count);
	trace_hello(connection->trace, &serving->log, has_sni ? name : NULL, certificate);
	if (!certificate)
		return refuse_hello(connection, HANDSHAKE_NO_CERTIFICATE);
	*chain = certificate->chain;
	*length = certificate->chain_length;
	*key = certificate->key;
	*ocsp_length = 0;
	*flags = 0; /* the set keeps what it lends */
	return 0;
}
