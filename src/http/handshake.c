#include "http/handshake.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "answer/address-limit.h"
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

/* After a handshake of TLS 1.3 we have sent all (tickets went out before the client's Finished), so
 * no data of ours carries the acknowledgement; a client with Nagle's algorithm on holds its request
 * back until that comes, and we would delay it by 40 ms. */
static void acknowledge(struct connection *connection)
{
	const int yes = 1;

	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
}

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
		else if (error == EAGAIN && connection->is_fresh)
			acknowledge(connection);
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

static void handshake_end(struct connection *connection)
{
	if (!connection->is_handshaking)
		return;
	connection->intake.is_established = true;
	connection->tls_version = gnutls_protocol_get_version(connection->session) == GNUTLS_TLS1_3
					  ? TLS_VERSION_1_3
					  : TLS_VERSION_1_2;
	connection->is_resumed = gnutls_session_is_resumed(connection->session);
	counter_add(&connection->all->counters
			     ->handshakes[connection->tls_version][connection->is_resumed],
		    1);
	trace_handshake(connection->trace, connection->tls_version, connection->is_resumed);
	connection_finish_handshake(connection);
}

static void log_refusal(const struct client_network *network)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	log_info("TLS handshake refused: client=\"%s\" reason=rate-limit",
		 client_network_text(&memory, network));
}

/* Called before the key exchange, which costs most of a handshake. */
static int charge(struct connection *connection)
{
	struct limit *limit = connection->all->limit;
	struct client_network network;
	enum admission admission;

	if (!limit || connection->is_charged)
		return 0;
	connection->is_charged = true;
	admission = limit_admit(limit, connection_client(connection), clock_microseconds(),
				&network);
	if (admission == ADMITTED) {
		connection->is_prepaid = true;
		return 0;
	}
	if (admission == REFUSED)
		log_refusal(&network);
	connection_blame(connection, HANDSHAKE_RATE_LIMIT);
	(void)gnutls_alert_send(connection->session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR);
	return GNUTLS_E_USER_ERROR;
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
	if (type == GNUTLS_HANDSHAKE_FINISHED && when == GNUTLS_HOOK_POST)
		handshake_end(connection);
	/* GnuTLS then reports that there is nothing to read, and libmicrohttpd waits for an edge of
	 * its epoll set, which does not come for a request that was received together with this. */
	if (type == GNUTLS_HANDSHAKE_KEY_UPDATE && when == GNUTLS_HOOK_POST)
		connection_suspend(connection, true);
	return 0;
}

void handshake_begin(struct connection *connection)
{
	gnutls_session_t session = connection->session;

	connection_begin_handshake(connection);
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

int handshake_select_certificate(struct connection *connection, gnutls_pcert_st **ret_chain,
				 unsigned *ret_length, gnutls_privkey_t *ret_key)
{
	const struct certificates *set = connection->certificates;
	gnutls_pk_algorithm_t algorithms[CLIENT_ALGORITHMS_MAX];
	const struct certificate *certificate = NULL;
	char name[HOST_NAME_MAX_LENGTH + 1];
	bool has_sni = requested_name(connection->session, name), is_named = has_sni;
	int count = client_hello_algorithms(connection->session, &connection->client, algorithms);

	if (is_named && !certificates_match(set, name, NULL, 0)) {
		if (connection->all->sni_policy == SNI_REFUSE) {
			trace_hello(connection->trace, connection->all->log, name, NULL);
			return refuse_hello(connection, HANDSHAKE_UNKNOWN_NAME);
		}
		is_named = false;
	}
	if (count > 0)
		certificate = is_named ? certificates_match(set, name, algorithms, count)
				       : certificates_default(set, algorithms, count);
	trace_hello(connection->trace, connection->all->log, has_sni ? name : NULL, certificate);
	if (!certificate)
		return refuse_hello(connection, HANDSHAKE_NO_CERTIFICATE);
	*ret_chain = certificate->chain;
	*ret_length = certificate->chain_length;
	*ret_key = certificate->key;
	return 0;
}
