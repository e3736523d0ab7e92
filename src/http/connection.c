#include "http/connection.h"

#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "answer/client-limits.h"
#include "observe/trace.h"
#include "tls/certificates.h"
#include "util/clock.h"
#include "util/log.h"

/* Where an IPv6 client has its /48 among its networks. */
#define SITE 2

struct share {
	struct shares *shares; /* in which it is */
	struct client_network network;
	size_t count;
	TAILQ_HEAD(, connection) connections; /* in the order in which they wait */
	struct share *next;		      /* in its chain */
};

static struct share **chain_of(struct shares *shares, const struct client_network *network)
{
	return &shares->chains[hash_of(&shares->key, network, sizeof(*network)) % SHARES_CHAINS];
}

/* A client without an address (a unix socket) has no share. */
static void join_share(struct connection *connection, struct shares *shares,
		       const struct sockaddr *client)
{
	const struct client_networks networks = networks_of_client(client);
	const struct client_network *network =
		&networks.items[networks.count > SITE ? SITE : 0].network;
	struct share **chain = chain_of(shares, network), *share = *chain;

	if (network->bits == 0)
		return;
	while (share && memcmp(&share->network, network, sizeof(*network)) != 0)
		share = share->next;
	if (!share) {
		share = xnew(struct share);
		share->shares = shares;
		share->network = *network;
		TAILQ_INIT(&share->connections);
		share->next = *chain;
		*chain = share;
	}
	connection->share = share;
	share->count++;
	TAILQ_INSERT_TAIL(&share->connections, connection, share_place);
}

static void leave_share(struct connection *connection)
{
	struct share *share = TAKE(connection->share), **at;

	if (!share)
		return;
	TAILQ_REMOVE(&share->connections, connection, share_place);
	if (--share->count > 0)
		return;
	for (at = chain_of(share->shares, &share->network); *at != share; at = &(*at)->next)
		;
	*at = share->next;
	free(share);
}

/* By us; libmicrohttpd has not closed it yet. */
bool connection_is_ended(const struct connection *connection)
{
	return connection->deadline == INT64_MAX;
}

/* Called by GnuTLS inside MHD_run(), so on the worker's thread, as all of this file is. */
void connection_suspend(struct connection *connection, bool until_readable)
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

		connection->is_polled = epoll_ctl(connection->all->epoll, EPOLL_CTL_ADD,
						  connection->fd, &event) == 0;
	}
}

void connection_resume(struct connection *connection)
{
	if (!connection->is_held)
		return;
	connection->is_held = false;
	if (connection->is_polled)
		epoll_ctl(connection->all->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	connection->is_polled = false;
	MHD_resume_connection(connection->mhd);
}

void connection_blame(struct connection *connection, enum handshake_failure failure)
{
	if (connection->has_failure)
		return;
	connection->has_failure = true;
	connection->failure = failure;
}

void connection_queue(struct connection *connection, struct queue *queue)
{
	if (connection->queue)
		TAILQ_REMOVE(&connection->queue->connections, connection, place);
	connection->queue = queue;
	connection->deadline = clock_now() + queue->timeout;
	TAILQ_INSERT_TAIL(&queue->connections, connection, place);
	if (!connection->share)
		return;
	TAILQ_REMOVE(&connection->share->connections, connection, share_place);
	TAILQ_INSERT_TAIL(&connection->share->connections, connection, share_place);
}

const struct sockaddr *connection_client(const struct connection *connection)
{
	return MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
		->client_addr;
}

/* A connection that is shut down reads its end, fails, and is closed by libmicrohttpd in its own
 * way; it stays in its queue until then, but is not due again. */
static void end(struct connection *connection)
{
	connection->deadline = INT64_MAX;
	leave_share(connection);
	shutdown(connection->fd, SHUT_RDWR);
	connection_resume(connection);
}

static void close_surplus(struct connection *surplus)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct client_network *network = &surplus->share->network;
	struct connections *all = surplus->all;

	counter_add(&all->counters->closed, 1);
	connection_blame(surplus, HANDSHAKE_CONNECTION_LIMIT);
	if (!all->limits || client_limits_log_closed(all->limits, network, clock_now()))
		log_info("connection closed: client=\"%s\" reason=connection-limit",
			 client_network_text(&memory, network));
	end(surplus);
}

struct connection *connection_open(struct connections *all, struct MHD_Connection *mhd,
				   enum socket_kind kind, struct shares *shares)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct connection *connection = xnew(struct connection);
	const union MHD_ConnectionInfo *info;
	const struct sockaddr *client;

	connection->mhd = mhd;
	connection->all = all;
	connection->kind = kind;
	/* libmicrohttpd 1.0 answers in one place for each connection: a second question overwrites
	 * the first answer. NULL without TLS. */
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	connection->session = info ? (gnutls_session_t)info->tls_session : NULL;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	connection->fd = info->connect_fd;
	connection->is_fresh = true;
	client = connection_client(connection);
	connection->trace = trace_number(&all->serving->log, 0, client);
	trace_connection(connection->trace, client, sockets_kind_name(kind));
	all->fresh++;
	counter_add(&all->counters->connections, 1);
	connection_queue(connection, &all->requests);
	if (!(kind == SOCKET_PROXY &&
	      networks_contain(&memory, all->serving->trusted_proxies, client)) &&
	    !(all->limits && client_limits_trust(all->limits, client)))
		join_share(connection, shares, client);
	if (shares->max && connection->share && connection->share->count > shares->max)
		close_surplus(TAILQ_FIRST(&connection->share->connections));
	return connection;
}

void connection_start_request(struct connection *connection)
{
	if (connection->is_fresh)
		connection->all->fresh--;
	connection->is_fresh = false;
	connection->intake.unparsed = 0;
	connection_renew(connection);
}

void connection_renew(struct connection *connection)
{
	if (!connection_is_ended(connection))
		connection_queue(connection, connection->queue);
}

void connection_close(struct connection *connection)
{
	struct counters *counters = connection->all->counters;

	if (connection->is_fresh)
		connection->all->fresh--;
	counter_add(&counters->connections, (uint64_t)-1);
	if (connection->is_handshaking) {
		counter_add(&counters->failed_handshakes[connection->failure], 1);
		trace_event(connection->trace, "TLS handshake failed", "reason",
			    handshake_failure_names[connection->failure]);
	}
	trace_event(connection->trace, "connection closed", NULL, NULL);
	TAILQ_REMOVE(&connection->queue->connections, connection, place);
	leave_share(connection);
	certificates_unref(connection->certificates);
	free(connection);
}

void connections_use_certificates(struct connections *all)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &all->handshakes.connections, place)
	{
		if (connection->certificates)
			continue;
		connection->certificates = certificates_ref(all->serving->certificates);
		connection_resume(connection);
	}
}

static void queue_expire(struct queue *queue, int64_t now)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &queue->connections, place)
	{
		if (connection_is_ended(connection))
			continue;
		if (connection->deadline > now)
			return;
		if (connection->is_handshaking)
			connection_blame(connection, HANDSHAKE_TIMEOUT);
		end(connection);
	}
}

void connections_expire(struct connections *all, int64_t now)
{
	queue_expire(&all->handshakes, now);
	queue_expire(&all->requests, now);
}

void connections_end_handshakes(struct connections *all)
{
	queue_expire(&all->handshakes, INT64_MAX - 1);
}

static int64_t queue_next_deadline(const struct queue *queue)
{
	const struct connection *connection;

	TAILQ_FOREACH(connection, &queue->connections, place)
	if (!connection_is_ended(connection))
		return connection->deadline;
	return INT64_MAX;
}

int64_t connections_next_deadline(const struct connections *all)
{
	int64_t handshake = queue_next_deadline(&all->handshakes);
	int64_t request = queue_next_deadline(&all->requests);

	return handshake < request ? handshake : request;
}
