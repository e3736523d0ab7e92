#include "http/handshake.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "answer/address-limit.h"
#include "http/connection-share.h"
#include "observe/trace.h"
#include "tls/certificates.h"
#include "tls/ticket-key.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/log.h"

#define RECORD_HEAD 5
#define RECORD_ALERT 21
#define RECORD_DATA 23
#define HIDDEN_ALERT 19

/* By us; libmicrohttpd has not closed it yet. */
static bool is_ended(const struct connection *connection)
{
	return connection->deadline == INT64_MAX;
}

/* Called by GnuTLS inside MHD_run(), so on the worker's thread, as all of this file is. */
static void hold(struct connection *connection, bool until_readable)
{
	if (connection->is_held)
		return;
	connection->is_held = true;
	MHD_suspend_connection(connection->mhd);
	if (until_readable) {
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
			.data.ptr = connection,
		};

		connection->is_polled = epoll_ctl(connection->gate->epoll, EPOLL_CTL_ADD,
						  connection->fd, &event) == 0;
	}
}

void gate_resume(struct connection *connection)
{
	if (!connection->is_held)
		return;
	connection->is_held = false;
	if (connection->is_polled)
		(void)epoll_ctl(connection->gate->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	connection->is_polled = false;
	MHD_resume_connection(connection->mhd);
}

/* After a handshake of TLS 1.3 we have sent all (tickets went out before the client's Finished), so
 * no data of ours carries the acknowledgement; a client with Nagle's algorithm on holds its request
 * back until that comes, and we would delay it by 40 ms. */
static void acknowledge(struct connection *connection)
{
	const int yes = 1;

	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
}

void gate_blame(struct connection *connection, enum handshake_failure failure)
{
	if (connection->has_failure)
		return;
	connection->has_failure = true;
	connection->failure = failure;
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
		gate_blame(connection, HANDSHAKE_CLOSED);
	else if (got == RECORD_HEAD &&
		 (data[0] == RECORD_ALERT ||
		  (data[0] == RECORD_DATA && data[3] == 0 && data[4] == HIDDEN_ALERT)))
		gate_blame(connection, HANDSHAKE_ALERT);
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *data, size_t size)
{
	struct connection *connection = pointer;
	ssize_t got;

	/* What was received before the connection was ended is not worth reading. */
	if (is_ended(connection))
		return 0;
	if (!connection->certificates) {
		hold(connection, false);
		gnutls_transport_set_errno(connection->session, EAGAIN);
		return -1;
	}
	got = recv(connection->fd, data, size, 0);
	if (connection->is_handshaking)
		watch_handshake(connection, data, got);
	if (got > 0 && !intake_count(&connection->intake, data, (size_t)got)) {
		gate_blame(connection, HANDSHAKE_TOO_LARGE);
		gnutls_transport_set_errno(connection->session, EMSGSIZE);
		return -1;
	}
	if (got < 0) {
		int error = errno;

		if (error == EAGAIN && connection->is_handshaking)
			hold(connection, true);
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
			gate_blame(connection, HANDSHAKE_CLOSED);
		gnutls_transport_set_errno(connection->session, error);
	}
	return sent;
}

static void queue_leave(struct connection *connection)
{
	struct queue *queue = connection->queue;

	*(connection->older ? &connection->older->newer : &queue->oldest) = connection->newer;
	*(connection->newer ? &connection->newer->older : &queue->newest) = connection->older;
}

static void queue_join(struct queue *queue, struct connection *connection)
{
	connection->queue = queue;
	connection->deadline = clock_now() + queue->timeout;
	share_renew(connection);
	connection->newer = NULL;
	connection->older = queue->newest;
	*(queue->newest ? &queue->newest->newer : &queue->oldest) = connection;
	queue->newest = connection;
}

static void handshake_end(struct connection *connection)
{
	if (!connection->is_handshaking)
		return;
	connection->is_handshaking = false;
	intake_establish(&connection->intake);
	connection->tls_version = gnutls_protocol_get_version(connection->session) == GNUTLS_TLS1_3
					  ? TLS_VERSION_1_3
					  : TLS_VERSION_1_2;
	connection->is_resumed = gnutls_session_is_resumed(connection->session);
	counter_add(&connection->gate->counters
			     ->handshakes[connection->tls_version][connection->is_resumed],
		    1);
	trace_handshake(connection->trace, connection->tls_version, connection->is_resumed);
	queue_leave(connection);
	queue_join(&connection->gate->requests, connection);
}

static const struct sockaddr *client_of(const struct connection *connection)
{
	return MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
		->client_addr;
}

static void log_limit(const char *event, const struct client_network *network, const char *reason)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	log_info("%s: client=\"%s\" reason=%s", event, client_network_text(&memory, network),
		 reason);
}

/* Called before the key exchange, which costs most of a handshake. */
static int charge(struct connection *connection)
{
	struct limit *limit = connection->gate->limit;
	struct client_network network;
	enum admission admission;

	if (!limit || connection->is_charged)
		return 0;
	connection->is_charged = true;
	admission = limit_admit(limit, client_of(connection), clock_microseconds(), &network);
	if (admission == ADMITTED) {
		connection->is_prepaid = true;
		return 0;
	}
	if (admission == REFUSED)
		log_limit("TLS handshake refused", &network, "rate-limit");
	gate_blame(connection, HANDSHAKE_RATE_LIMIT);
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
		connection->client = client_hello_read(connection->gate->suites, content);
		return charge(connection);
	}
	if (type == GNUTLS_HANDSHAKE_FINISHED && when == GNUTLS_HOOK_POST)
		handshake_end(connection);
	/* GnuTLS then reports that there is nothing to read, and libmicrohttpd waits for an edge of
	 * its epoll set, which does not come for a request that was received together with this. */
	if (type == GNUTLS_HANDSHAKE_KEY_UPDATE && when == GNUTLS_HOOK_POST)
		hold(connection, true);
	return 0;
}

static void prepare_session(struct connection *connection)
{
	gnutls_session_t session = connection->session;

	gnutls_transport_set_ptr(session, connection);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_vec_push_function(session, push);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_BOTH,
					   message);
	ticket_key_enable(connection->gate->ticket_key, session);
}

static void handshake_begin(struct connection *connection)
{
	struct gate *gate = connection->gate;

	if (gate->certificates)
		connection->certificates = certificates_ref(gate->certificates);
	connection->is_handshaking = true;
	queue_join(&gate->handshakes, connection);
	prepare_session(connection);
}

/* libmicrohttpd 1.0 answers in one place for each connection: a second question overwrites it. NULL
 * on the plain port. */
static gnutls_session_t session_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *tls = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return tls ? (gnutls_session_t)tls->tls_session : NULL;
}

/* A connection that is shut down reads its end, fails, and is closed by libmicrohttpd in its own
 * way; it stays in its queue until then, but is not due again. */
static void end(struct connection *connection)
{
	connection->deadline = INT64_MAX;
	share_leave(connection);
	(void)shutdown(connection->fd, SHUT_RDWR);
	gate_resume(connection);
}

static bool is_exempt(const struct connection *connection, enum port_kind kind)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct gate *gate = connection->gate;
	const struct sockaddr *client = client_of(connection);

	return (kind == PORT_PROXY && networks_contain(&memory, gate->trusted_proxies, client)) ||
	       (gate->limit && limit_trusts(gate->limit, client));
}

static void close_surplus(struct connection *surplus)
{
	struct gate *gate = surplus->gate;

	counter_add(&gate->counters->closed, 1);
	gate_blame(surplus, HANDSHAKE_CONNECTION_LIMIT);
	if (!gate->limit || limit_note_closed(gate->limit, share_network(surplus), clock_now()))
		log_limit("connection closed", share_network(surplus), "connection-limit");
	end(surplus);
}

struct connection *gate_admit(struct gate *gate, struct MHD_Connection *mhd, enum port_kind kind,
			      struct shares *shares)
{
	struct connection *surplus;
	struct connection *connection = xnew(struct connection);

	connection->mhd = mhd;
	connection->gate = gate;
	connection->session = session_of(mhd);
	connection->fd =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	connection->is_fresh = true;
	connection->trace = trace_number(gate->log, 0, client_of(connection));
	trace_connection(connection->trace, client_of(connection), sockets_kind_name(kind));
	gate->fresh++;
	counter_add(&gate->counters->connections, 1);
	if (connection->session)
		handshake_begin(connection);
	else
		queue_join(&gate->requests, connection);
	if (!is_exempt(connection, kind))
		share_join(shares, connection, client_of(connection));
	surplus = share_surplus(connection);
	if (surplus)
		close_surplus(surplus);
	return connection;
}

void gate_asked(struct connection *connection)
{
	if (connection->is_fresh)
		connection->gate->fresh--;
	connection->is_fresh = false;
	intake_pass_on(&connection->intake);
	gate_renew(connection);
}

void gate_renew(struct connection *connection)
{
	struct queue *queue = connection->queue;

	if (is_ended(connection))
		return;
	queue_leave(connection);
	queue_join(queue, connection);
}

void gate_dismiss(struct connection *connection)
{
	struct counters *counters = connection->gate->counters;

	if (connection->is_fresh)
		connection->gate->fresh--;
	counter_add(&counters->connections, (uint64_t)-1);
	if (connection->is_handshaking) {
		counter_add(&counters->failed_handshakes[connection->failure], 1);
		trace_handshake_failed(connection->trace,
				       handshake_failure_name(connection->failure));
	}
	trace_connection_closed(connection->trace, NULL);
	queue_leave(connection);
	share_leave(connection);
	certificates_unref(connection->certificates);
	free(connection);
}

void gate_set_certificates(struct gate *gate, struct certificates *certificates)
{
	gate->certificates = certificates;
	for (struct connection *connection = gate->handshakes.oldest; connection;
	     connection = connection->newer) {
		if (connection->certificates)
			continue;
		connection->certificates = certificates_ref(certificates);
		gate_resume(connection);
	}
}

static void queue_expire(struct queue *queue, int64_t now)
{
	for (struct connection *connection = queue->oldest, *newer;
	     connection && (connection->deadline <= now || is_ended(connection));
	     connection = newer) {
		newer = connection->newer;
		if (connection->deadline > now)
			continue;
		if (connection->is_handshaking)
			gate_blame(connection, HANDSHAKE_TIMEOUT);
		end(connection);
	}
}

void gate_expire(struct gate *gate, int64_t now)
{
	queue_expire(&gate->handshakes, now);
	queue_expire(&gate->requests, now);
}

void gate_close(struct gate *gate)
{
	queue_expire(&gate->handshakes, INT64_MAX - 1);
}

static int64_t queue_next_deadline(const struct queue *queue)
{
	for (const struct connection *connection = queue->oldest; connection;
	     connection = connection->newer)
		if (!is_ended(connection))
			return connection->deadline;
	return INT64_MAX;
}

int64_t gate_next_deadline(const struct gate *gate)
{
	int64_t handshake = queue_next_deadline(&gate->handshakes);
	int64_t request = queue_next_deadline(&gate->requests);

	return handshake < request ? handshake : request;
}
