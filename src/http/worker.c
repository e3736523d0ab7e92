#include "http/worker.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/handshake.h"
#include "http/mhd.h"
#include "http/request-handler.h"
#include "observe/counters.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "tls/certificates.h"
#include "tls/cms.h"
#include "util/clock.h"

#define SOCKETS_MAX 64
#define EVENTS_MAX 64

/* The memory that libmicrohttpd has for the head of a request. */
#define REQUEST_HEAD_MAX ((size_t)8 * 1024)

/* Requests of so many milliseconds share one view of the database, which saves its locks. Changes
 * are seen that much later. */
#define SNAPSHOT_MS 5

/* When asked to stop: how long requests under way may take, and how long connections that have not
 * sent one yet. */
#define STOP_EXCHANGES_MS 10000
#define STOP_FRESH_MS 1000

/* A listening socket, with the libmicrohttpd daemon that accepts its connections. */
struct worker_socket {
	struct worker *worker;
	struct MHD_Daemon *daemon;
	enum socket_kind kind;
	struct shares shares; /* of its connections */
	unsigned connections; /* after its last run */
};

struct worker {
	struct worker_options options;
	pthread_t thread;
	bool has_thread;
	int epoll, wake;
	atomic_bool has_store; /* whether handler.context.store is set, for other threads */
	struct connections connections;
	struct request_handler handler;
	struct lingering lingering;
	struct worker_socket *sockets[SOCKETS_MAX];
	size_t n_sockets;
	int64_t stopping_since;	  /* 0 while it is not */
	atomic_uint turns;	  /* of the loop */
	struct counters counters; /* read by any thread */
	int64_t snapshot_until;	  /* when the database's snapshot ends, 0 while there is none */
	struct serving serving;	  /* borrowed by the connections and the request handler */

	/* Handed over; guarded by the lock. The thread is woken to take them. */
	pthread_mutex_t lock;
	struct serving next_serving;
	bool has_next_serving;
	struct store *next_store;
	bool has_next_store;
	bool must_stop;
};

static int watch(struct worker *worker, int fd, struct error *err)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot start a worker: %s", strerror(errno));
	return 0;
}

int worker_new(const struct worker_options *options, struct store *store,
	       struct worker **ret_worker, struct error *err)
{
	_cleanup_(worker_freep) struct worker *worker = xnew(struct worker);

	worker->options = *options;
	worker->handler.context.store = store;
	atomic_init(&worker->has_store, store != NULL);
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&worker->lock, NULL);
	if (watch(worker, worker->wake, err) < 0)
		return -1;
	TAILQ_INIT(&worker->connections.handshakes.connections);
	TAILQ_INIT(&worker->connections.requests.connections);
	worker->connections.epoll = worker->epoll;
	worker->connections.serving = &worker->serving;
	worker->connections.ticket_key = options->ticket_key;
	worker->connections.requests.timeout = (int64_t)options->idle_timeout * 1000;
	worker->connections.suites = options->suites;
	worker->connections.limits = options->limits;
	worker->connections.counters = &worker->counters;
	for (size_t i = 0; i < WAIT_REASONS; i++)
		TAILQ_INIT(&worker->handler.waiting[i].exchanges);
	worker->handler.serving = &worker->serving;
	worker->handler.context.limits = options->limits;
	worker->handler.context.counters = &worker->counters;
	*ret_worker = TAKE(worker);
	return 0;
}

static void notify_connection(void *cls, struct MHD_Connection *mhd, void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	struct worker_socket *listening = cls;
	struct connection *connection = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = connection = connection_open(&listening->worker->connections, mhd,
							listening->kind, &listening->shares);
		if (connection->session)
			handshake_begin(connection);
		return;
	}
	if (connection->must_linger)
		linger_add(&listening->worker->lingering, connection->fd, clock_now());
	request_handler_abandon(connection);
	connection_close(connection);
}

/* Requests are passed on as they came, because libmicrohttpd would decode a plus as a space. */
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

int worker_add_socket(struct worker *worker, int fd, enum socket_kind kind, struct error *err)
{
	_cleanup_(freep) struct worker_socket *listening = xnew(struct worker_socket);
	const bool is_tls = kind == SOCKET_TLS;
	const struct MHD_OptionItem more[] = {
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_HEAD_MAX, NULL },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_handler_begin, &worker->handler },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)notify_connection, listening },
		{ MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_handler_end, &worker->handler },
		{ is_tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0,
		  (char *)worker->options.priorities },
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)handshake_select_certificate },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct mhd_options options = {
		.flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (is_tls ? MHD_USE_TLS : 0),
		.connections = worker->options.connections_max,
		.timeout = worker->options.idle_timeout,
		.handle = request_handler_access,
		.context = &worker->handler,
		.more = more,
	};
	int epoll;

	if (worker->n_sockets == SOCKETS_MAX) {
		close(fd);
		return error_set(err, ERROR_CONFIG, "more than %d addresses to listen on",
				 SOCKETS_MAX);
	}
	listening->worker = worker;
	listening->kind = kind;
	listening->shares.key = hash_key_new();
	listening->daemon = mhd_start(fd, &options);
	if (!listening->daemon) {
		error_set(err, ERROR_SYSTEM, "libmicrohttpd does not start: %s", strerror(errno));
		close(fd);
		return -1;
	}
	epoll = MHD_get_daemon_info(listening->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	worker->sockets[worker->n_sockets++] = TAKE(listening);
	return watch(worker, epoll, err);
}

static void wake(struct worker *worker)
{
	(void)!write(worker->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static void clear_serving(struct serving *serving)
{
	certificates_unref(serving->certificates);
	templates_unref(serving->templates);
	signer_unref(serving->signer);
}

void worker_set_serving(struct worker *worker, const struct serving *serving)
{
	struct serving unused = { 0 };

	if (serving->certificates)
		certificates_ref(serving->certificates);
	if (serving->templates)
		templates_ref(serving->templates);
	signer_ref(serving->signer);
	pthread_mutex_lock(&worker->lock);
	if (worker->has_next_serving)
		unused = worker->next_serving;
	worker->next_serving = *serving;
	worker->has_next_serving = true;
	pthread_mutex_unlock(&worker->lock);
	clear_serving(&unused);
	wake(worker);
}

void worker_set_store(struct worker *worker, struct store *store)
{
	struct store *unused;

	pthread_mutex_lock(&worker->lock);
	unused = worker->next_store;
	worker->next_store = store;
	worker->has_next_store = true;
	pthread_mutex_unlock(&worker->lock);
	store_close(unused);
	wake(worker);
}

bool worker_has_store(const struct worker *worker)
{
	return atomic_load(&worker->has_store);
}

static void use_serving(struct worker *worker)
{
	const struct serving *serving = &worker->serving;
	size_t share;

	worker->connections.handshakes.timeout = (int64_t)serving->handshake_timeout * 1000;
	if (serving->certificates)
		connections_use_certificates(&worker->connections);
	worker->handler.context.site.public_name = serving->public_name;
	worker->handler.context.site.templates = serving->templates;
	worker->handler.context.site.signer = serving->signer;
	share = (size_t)worker->options.connections_max * serving->connections_per_network / 100;
	if (serving->connections_per_network == 100)
		share = 0;
	else if (share == 0)
		share = 1;
	for (size_t i = 0; i < worker->n_sockets; i++)
		worker->sockets[i]->shares.max = share;
}

static void take_over(struct worker *worker)
{
	bool has_serving, has_store, must_stop;
	struct serving old = worker->serving;
	struct context *context = &worker->handler.context;
	struct store *store = context->store;

	pthread_mutex_lock(&worker->lock);
	has_serving = worker->has_next_serving;
	if (has_serving)
		worker->serving = worker->next_serving;
	worker->has_next_serving = false;
	has_store = worker->has_next_store;
	if (has_store)
		context->store = TAKE(worker->next_store);
	worker->has_next_store = false;
	must_stop = worker->must_stop;
	pthread_mutex_unlock(&worker->lock);

	if (has_serving) {
		use_serving(worker);
		clear_serving(&old);
	}
	if (has_store) {
		store_close(store);
		worker->snapshot_until = 0;
		worker->handler.has_log_key = false;
		atomic_store(&worker->has_store, context->store != NULL);
	}
	if (must_stop && !worker->stopping_since) {
		worker->stopping_since = clock_now();
		worker->handler.is_stopping = true;
		for (size_t i = 0; i < worker->n_sockets; i++)
			close(MHD_quiesce_daemon(worker->sockets[i]->daemon));
	}
}

/* Whether nothing is left that is worth waiting for. */
static bool has_stopped(const struct worker *worker)
{
	int64_t stopping;

	if (!worker->stopping_since)
		return false;
	stopping = clock_now() - worker->stopping_since;
	if (stopping >= STOP_EXCHANGES_MS)
		return true;
	return worker->handler.count == 0 &&
	       (worker->connections.fresh == 0 || stopping >= STOP_FRESH_MS);
}

/* How long the loop may sleep, in milliseconds; -1 without a limit. */
static int sleep_time(const struct worker *worker)
{
	int64_t now = clock_now(), until = INT64_MAX;
	const int64_t deadlines[] = {
		connections_next_deadline(&worker->connections),
		request_handler_next_retry(&worker->handler),
		linger_next(&worker->lingering, now),
		worker->snapshot_until ?: INT64_MAX,
		worker->stopping_since ? now + REQUEST_RETRY_MS : INT64_MAX,
	};

	for (size_t i = 0; i < sizeof(deadlines) / sizeof(*deadlines); i++)
		if (deadlines[i] < until)
			until = deadlines[i];
	for (size_t i = 0; i < worker->n_sockets; i++) {
		MHD_UNSIGNED_LONG_LONG timeout;

		if (MHD_get_timeout(worker->sockets[i]->daemon, &timeout) == MHD_YES &&
		    timeout < INT_MAX && now + (int64_t)timeout < until)
			until = now + (int64_t)timeout;
	}
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > INT_MAX ? INT_MAX : (int)(until - now);
}

/*
 * At its limit of connections libmicrohttpd takes the listening socket out of its epoll set, and
 * puts it back at the beginning of a run: the one after that in which a connection ended. Nothing
 * would wake the loop for it, and if all connections ended, no client could connect any more.
 */
static void run_daemon(struct worker_socket *listening)
{
	unsigned before;

	do {
		before = listening->connections;
		MHD_run(listening->daemon);
		listening->connections = MHD_get_daemon_info(listening->daemon,
							     MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
						 ->num_connections;
	} while (listening->connections < before);
}

/* Entries of the epoll set without a connection are the wake-up call and libmicrohttpd's own sets,
 * which are looked at in every turn anyway. */
static void turn(struct worker *worker)
{
	struct epoll_event events[EVENTS_MAX];
	struct store *store = worker->handler.context.store;
	int64_t now = clock_now();
	uint64_t calls;
	int count;

	if (!store || !store_has_snapshot(store)) {
		worker->snapshot_until = 0;
	} else if (!worker->snapshot_until) {
		worker->snapshot_until = now + SNAPSHOT_MS;
	} else if (now >= worker->snapshot_until) {
		store_release(store);
		worker->snapshot_until = 0;
	}
	count = epoll_wait(worker->epoll, events, EVENTS_MAX, sleep_time(worker));
	for (int i = 0; i < count; i++)
		if (events[i].data.ptr)
			connection_resume(events[i].data.ptr);
	if (read(worker->wake, &calls, sizeof(calls)) > 0)
		take_over(worker);
	now = clock_now();
	connections_expire(&worker->connections, now);
	request_handler_retry(&worker->handler, now);
	linger_drop(&worker->lingering, now);
	for (size_t i = 0; i < worker->n_sockets; i++)
		run_daemon(worker->sockets[i]);
	atomic_fetch_add(&worker->turns, 1);
}

static void *run(void *context)
{
	struct worker *worker = context;

	while (!has_stopped(worker))
		turn(worker);

	/* libmicrohttpd must not meet a suspended connection when it stops. */
	connections_end_handshakes(&worker->connections);
	request_handler_retry(&worker->handler, INT64_MAX);
	for (size_t i = 0; i < worker->n_sockets; i++)
		MHD_stop_daemon(TAKE(worker->sockets[i]->daemon));
	return NULL;
}

int worker_start(struct worker *worker, struct error *err)
{
	int error;

	take_over(worker);
	error = pthread_create(&worker->thread, NULL, run, worker);
	if (error)
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s", strerror(error));
	worker->has_thread = true;
	return 0;
}

unsigned worker_turns(struct worker *worker)
{
	unsigned turns = atomic_load(&worker->turns);

	wake(worker);
	return turns;
}

const struct counters *worker_counters(const struct worker *worker)
{
	return &worker->counters;
}

void worker_stop(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->must_stop = true;
	pthread_mutex_unlock(&worker->lock);
	wake(worker);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	if (worker->has_thread)
		pthread_join(worker->thread, NULL);
	for (size_t i = 0; i < worker->n_sockets; i++) {
		if (worker->sockets[i]->daemon)
			MHD_stop_daemon(worker->sockets[i]->daemon);
		free(worker->sockets[i]);
	}
	MHD_destroy_responsep(&worker->handler.refusal);
	linger_drop(&worker->lingering, INT64_MAX);
	clear_serving(&worker->serving);
	if (worker->has_next_serving)
		clear_serving(&worker->next_serving);
	store_close(worker->handler.context.store);
	store_close(worker->next_store);
	closep(&worker->epoll);
	closep(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}
