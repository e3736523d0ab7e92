#include "http/worker.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/linger.h"
#include "http/port.h"
#include "observe/counters.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "tls/certificates.h"
#include "tls/cms.h"
#include "util/clock.h"

#define PORTS_MAX 64
#define EVENTS_MAX 64

/* Requests of so many milliseconds share one view of the database, which saves its locks. Changes
 * are seen that much later. */
#define SNAPSHOT_MS 5

/* When asked to stop: how long requests under way may take, and how long connections that have not
 * sent one yet. */
#define STOP_EXCHANGES_MS 10000
#define STOP_FRESH_MS 1000

struct worker {
	struct worker_options options;
	struct worker_rules rules;
	pthread_t thread;
	bool has_thread;
	int epoll, wake;
	struct store *store;   /* NULL while the database is reopened */
	atomic_bool has_store; /* the same, for other threads */
	struct connections connections;
	struct exchanges exchanges;
	struct lingering lingering;
	struct port *ports[PORTS_MAX];
	size_t n_ports;
	int64_t stopping_since;	  /* 0 while it is not */
	atomic_uint turns;	  /* of the loop */
	struct counters counters; /* read by any thread */
	int64_t snapshot_until;	  /* when the database's snapshot ends, 0 while there is none */

	/* In use by the thread; borrowed by the connections and the exchanges. */
	struct certificates *certificates;
	struct templates *templates;
	struct signer *signer; /* or NULL */

	/* Handed over; guarded by the lock. The thread is woken to take them. */
	pthread_mutex_t lock;
	struct certificates *next_certificates;
	struct templates *next_templates;
	struct signer *next_signer;
	bool has_next_signer;
	struct store *next_store;
	bool has_next_store;
	struct worker_rules next_rules;
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
	worker->store = store;
	atomic_init(&worker->has_store, store != NULL);
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&worker->lock, NULL);
	if (watch(worker, worker->wake, err) < 0)
		return -1;
	worker->connections.epoll = worker->epoll;
	worker->connections.ticket_key = options->ticket_key;
	worker->connections.requests.timeout = (int64_t)options->idle_timeout * 1000;
	worker->connections.suites = options->suites;
	worker->connections.limit = options->limit;
	worker->connections.log = &worker->exchanges.log;
	exchanges_init(&worker->exchanges);
	worker->exchanges.context.store = store;
	worker->exchanges.context.limit = options->limit;
	worker->connections.counters = &worker->counters;
	worker->exchanges.context.counters = &worker->counters;
	*ret_worker = TAKE(worker);
	return 0;
}

int worker_add_socket(struct worker *worker, int fd, enum port_kind kind, struct error *err)
{
	const struct port_resources resources = {
		.connections = &worker->connections,
		.exchanges = &worker->exchanges,
		.lingering = &worker->lingering,
		.priorities = worker->options.priorities,
		.connections_max = worker->options.connections_max,
		.idle_timeout = worker->options.idle_timeout,
	};
	struct port *port;

	if (worker->n_ports == PORTS_MAX) {
		close(fd);
		return error_set(err, ERROR_CONFIG, "more than %d addresses to listen on",
				 PORTS_MAX);
	}
	if (port_open(&resources, fd, kind, &port, err) < 0)
		return -1;
	worker->ports[worker->n_ports++] = port;
	return watch(worker, MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		     err);
}

static void wake(struct worker *worker)
{
	(void)!write(worker->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void worker_set_certificates(struct worker *worker, struct certificates *certificates)
{
	struct certificates *old;

	pthread_mutex_lock(&worker->lock);
	old = worker->next_certificates;
	worker->next_certificates = certificates_ref(certificates);
	pthread_mutex_unlock(&worker->lock);
	certificates_unref(old);
	wake(worker);
}

void worker_set_templates(struct worker *worker, struct templates *templates)
{
	struct templates *old;

	pthread_mutex_lock(&worker->lock);
	old = worker->next_templates;
	worker->next_templates = templates_ref(templates);
	pthread_mutex_unlock(&worker->lock);
	templates_unref(old);
	wake(worker);
}

void worker_set_signer(struct worker *worker, struct signer *signer)
{
	struct signer *old;

	pthread_mutex_lock(&worker->lock);
	old = worker->next_signer;
	worker->next_signer = signer_ref(signer);
	worker->has_next_signer = true;
	pthread_mutex_unlock(&worker->lock);
	signer_unref(old);
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

void worker_set_rules(struct worker *worker, const struct worker_rules *rules)
{
	pthread_mutex_lock(&worker->lock);
	worker->next_rules = *rules;
	pthread_mutex_unlock(&worker->lock);
	wake(worker);
}

static void stop_accepting(struct worker *worker)
{
	if (worker->stopping_since)
		return;
	worker->stopping_since = clock_now();
	worker->exchanges.is_stopping = true;
	for (size_t i = 0; i < worker->n_ports; i++)
		close(MHD_quiesce_daemon(worker->ports[i]->daemon));
}

static void take_store(struct worker *worker)
{
	struct store *old = worker->store;

	pthread_mutex_lock(&worker->lock);
	if (!worker->has_next_store) {
		pthread_mutex_unlock(&worker->lock);
		return;
	}
	worker->store = TAKE(worker->next_store);
	worker->has_next_store = false;
	pthread_mutex_unlock(&worker->lock);

	store_close(old);
	worker->snapshot_until = 0;
	worker->exchanges.context.store = worker->store;
	worker->exchanges.has_log_key = false;
	atomic_store(&worker->has_store, worker->store != NULL);
}

static void take_over(struct worker *worker)
{
	struct certificates *certificates;
	struct templates *templates;
	struct signer *signer;
	bool has_signer, must_stop;

	pthread_mutex_lock(&worker->lock);
	certificates = TAKE(worker->next_certificates);
	templates = TAKE(worker->next_templates);
	signer = TAKE(worker->next_signer);
	has_signer = worker->has_next_signer;
	worker->has_next_signer = false;
	worker->rules = worker->next_rules;
	must_stop = worker->must_stop;
	pthread_mutex_unlock(&worker->lock);

	take_store(worker);
	worker->connections.sni_policy = worker->rules.sni_policy;
	worker->connections.handshakes.timeout = (int64_t)worker->rules.handshake_timeout * 1000;
	worker->exchanges.log = worker->rules.log;
	worker->exchanges.log.traced = worker->rules.traced;
	worker->exchanges.trusted_proxies = worker->rules.trusted_proxies;
	worker->connections.trusted_proxies = worker->rules.trusted_proxies;
	for (size_t i = 0; i < worker->n_ports; i++)
		port_set_share(worker->ports[i], worker->rules.connections_per_network);
	worker->exchanges.context.site.public_name = worker->rules.public_name;
	if (certificates) {
		certificates_unref(worker->certificates);
		worker->certificates = certificates;
		connections_set_certificates(&worker->connections, certificates);
	}
	worker->exchanges.plain = (struct plain_rules){
		.has_autoconfig = worker->rules.http_autoconfig,
		.acme_directory = worker->rules.acme_directory,
		.same_host = worker->rules.redirect_to_same_host ? worker->certificates : NULL,
	};
	if (templates) {
		templates_unref(worker->templates);
		worker->templates = templates;
		worker->exchanges.context.site.templates = templates;
	}
	if (has_signer) {
		signer_unref(worker->signer);
		worker->signer = signer;
		worker->exchanges.context.site.signer = signer;
	}
	if (must_stop)
		stop_accepting(worker);
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
	return worker->exchanges.count == 0 &&
	       (worker->connections.fresh == 0 || stopping >= STOP_FRESH_MS);
}

/* How long the loop may sleep, in milliseconds; -1 without a limit. */
static int sleep_time(const struct worker *worker)
{
	int64_t now = clock_now(), until = connections_next_deadline(&worker->connections), retry;

	retry = exchanges_next_retry(&worker->exchanges);
	if (retry < until)
		until = retry;
	retry = lingering_next(&worker->lingering, now);
	if (retry < until)
		until = retry;
	for (size_t i = 0; i < worker->n_ports; i++) {
		MHD_UNSIGNED_LONG_LONG timeout;

		if (MHD_get_timeout(worker->ports[i]->daemon, &timeout) == MHD_YES &&
		    timeout < INT_MAX && now + (int64_t)timeout < until)
			until = now + (int64_t)timeout;
	}
	if (worker->snapshot_until && worker->snapshot_until < until)
		until = worker->snapshot_until;
	if (worker->stopping_since && now + EXCHANGE_RETRY_MS < until)
		until = now + EXCHANGE_RETRY_MS;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > INT_MAX ? INT_MAX : (int)(until - now);
}

static void end_snapshot_in_time(struct worker *worker)
{
	int64_t now = clock_now();

	if (!worker->store || !store_has_snapshot(worker->store)) {
		worker->snapshot_until = 0;
	} else if (!worker->snapshot_until) {
		worker->snapshot_until = now + SNAPSHOT_MS;
	} else if (now >= worker->snapshot_until) {
		store_release(worker->store);
		worker->snapshot_until = 0;
	}
}

/* Entries of the epoll set without a connection are the wake-up call and libmicrohttpd's own sets,
 * which are looked at in every turn anyway. */
static void turn(struct worker *worker)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t calls;
	int count;

	end_snapshot_in_time(worker);
	count = epoll_wait(worker->epoll, events, EVENTS_MAX, sleep_time(worker));
	for (int i = 0; i < count; i++)
		if (events[i].data.ptr)
			connection_resume(events[i].data.ptr);
	if (read(worker->wake, &calls, sizeof(calls)) > 0)
		take_over(worker);
	connections_expire(&worker->connections, clock_now());
	exchanges_retry(&worker->exchanges, clock_now());
	lingering_drop(&worker->lingering, clock_now());
	for (size_t i = 0; i < worker->n_ports; i++)
		port_run(worker->ports[i]);
	atomic_fetch_add(&worker->turns, 1);
}

static void *run(void *context)
{
	struct worker *worker = context;

	while (!has_stopped(worker))
		turn(worker);

	/* libmicrohttpd must not meet a suspended connection when it stops. */
	connections_end_handshakes(&worker->connections);
	exchanges_retry(&worker->exchanges, INT64_MAX);
	for (size_t i = 0; i < worker->n_ports; i++)
		MHD_stop_daemon(TAKE(worker->ports[i]->daemon));
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

void worker_join(struct worker *worker)
{
	if (worker->has_thread)
		pthread_join(worker->thread, NULL);
	worker->has_thread = false;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	for (size_t i = 0; i < worker->n_ports; i++)
		port_close(worker->ports[i]);
	exchanges_clear(&worker->exchanges);
	lingering_drop(&worker->lingering, INT64_MAX);
	certificates_unref(worker->certificates);
	certificates_unref(worker->next_certificates);
	templates_unref(worker->templates);
	templates_unref(worker->next_templates);
	signer_unref(worker->signer);
	signer_unref(worker->next_signer);
	store_close(worker->store);
	store_close(worker->next_store);
	closep(&worker->epoll);
	closep(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}
