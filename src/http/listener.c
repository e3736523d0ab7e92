#include "http/listener.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "answer/client-limits.h"
#include "http/metrics-server.h"
#include "http/request-handler.h"
#include "http/sockets.h"
#include "http/worker.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "tls/certificates.h"
#include "tls/client-hello.h"
#include "tls/cms.h"
#include "tls/priorities.h"
#include "tls/ticket-key.h"
#include "util/clock.h"
#include "util/log.h"

/* Descriptors kept for the database, templates, certificates and the log. */
#define DESCRIPTORS_KEPT 64

/* How long the threads may take to close the database, in milliseconds. */
#define CLOSE_PATIENCE_MS 2000

struct listener {
	struct worker **workers;
	unsigned n_workers;
	struct pulse *pulses; /* of each worker */
	char *priorities;
	struct ticket_key *ticket_key;
	struct client_suites suites;
	struct serving serving; /* what the workers have */
	struct client_limits *limits;
	struct metrics_server *metrics; /* NULL: none */
	bool misses_metrics;		/* the settings want one, which failed */
};

unsigned listener_threads_of(const struct settings *settings)
{
	cpu_set_t set;

	if (settings->server.threads)
		return settings->server.threads;
	CPU_ZERO(&set);
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

/* The connections that each listening socket may take, so that accept() never runs out of
 * descriptors: libmicrohttpd would try it again and again, as fast as it can. */
static int share_connections(unsigned workers, const struct sockets *all, rlim_t connections,
			     unsigned *ret_connections, struct error *err)
{
	struct rlimit files = { 0 };
	size_t watched = 0;
	rlim_t sockets, limit, kept;

	for (size_t i = 0; i < all->count; i++)
		watched += all->items[i].kind == SOCKET_METRICS;
	sockets = (rlim_t)workers * (all->count - watched);
	kept = DESCRIPTORS_KEPT + (rlim_t)workers * WORKER_DESCRIPTORS +
	       sockets * WORKER_SOCKET_DESCRIPTORS + watched * METRICS_SERVER_DESCRIPTORS;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NOFILE, &files);
	limit = files.rlim_cur;
	if (limit < kept + sockets) {
		error_set(err, ERROR_SYSTEM,
			  "%u threads need more than the %llu open files that are allowed", workers,
			  (unsigned long long)limit);
		return error_hint(err, "raise that limit (LimitNOFILE= of systemd) or lower "
				       "'threads'");
	}
	if (limit - kept < connections) {
		log_warning("the limit of %llu open files leaves room for %llu connections, fewer "
			    "than [limits] connections = %llu; raise it to %llu (LimitNOFILE= of "
			    "systemd, 'ulimit -n' elsewhere) or lower 'connections'",
			    (unsigned long long)limit, (unsigned long long)(limit - kept),
			    (unsigned long long)connections,
			    (unsigned long long)(kept + connections));
		connections = limit - kept;
	}
	*ret_connections = connections > sockets ? (unsigned)(connections / sockets) : 1;
	return 0;
}

static int open_metrics_server(struct listener *listener, const struct settings *settings,
			       struct sockets *sockets, struct error *err)
{
	struct store *store;

	if (!sockets_have(sockets, SOCKET_METRICS))
		return 0;
	if (store_open_patiently(settings->database.file, STORE_READ, REQUEST_PATIENCE_MS, &store,
				 err) < 0)
		return -1;
	listener->metrics = metrics_server_new(listener->workers, listener->n_workers, store,
					       sockets_have(sockets, SOCKET_TLS));
	for (size_t i = 0; i < sockets->count; i++) {
		int fd;

		if (sockets->items[i].kind != SOCKET_METRICS)
			continue;
		fd = sockets_listen(sockets, i, 0, err);
		if (fd < 0 || metrics_server_add_socket(listener->metrics, fd, err) < 0)
			return -1;
	}
	return 0;
}

static void leave_out_metrics(struct listener *listener, struct error *err)
{
	error_prefix(err, "metrics are not served");
	log_failure(LOG_LEVEL_ERROR, err, NULL);
	metrics_server_close(TAKE(listener->metrics));
	listener->misses_metrics = true;
}

static int open_workers(struct listener *listener, const struct settings *settings,
			const struct sockets *sockets, struct error *err)
{
	unsigned count = listener_threads_of(settings);
	struct worker_options options = {
		.priorities = listener->priorities,
		.ticket_key = listener->ticket_key,
		.suites = &listener->suites,
		.limits = listener->limits,
		.idle_timeout = settings->limits.idle_timeout,
	};

	if (share_connections(count, sockets, settings->limits.connections,
			      &options.connections_max, err) < 0)
		return -1;
	listener->workers = xcalloc(count, sizeof(*listener->workers));
	listener->pulses = xcalloc(count, sizeof(*listener->pulses));
	for (; listener->n_workers < count; listener->n_workers++) {
		struct store *store;

		if (store_open_patiently(settings->database.file, STORE_READ, REQUEST_PATIENCE_MS,
					 &store, err) < 0 ||
		    worker_new(&options, store, &listener->workers[listener->n_workers], err) < 0)
			return -1;
	}
	return 0;
}

int listener_open(const struct settings *settings, struct sockets *sockets,
		  struct listener **ret_listener, struct error *err)
{
	_cleanup_(listener_closep) struct listener *listener = xnew(struct listener);
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	if (ticket_key_new(clock_now(), &listener->ticket_key, err) < 0)
		return -1;
	listener->priorities = xstrdup(priorities_string(&memory, settings->tls.priorities));
	if (client_suites_init(listener->priorities, &listener->suites, err) < 0)
		return -1;
	listener->limits = client_limits_new();
	if (open_workers(listener, settings, sockets, err) < 0)
		return -1;
	for (size_t i = 0; i < sockets->count; i++) {
		enum socket_kind kind = sockets->items[i].kind;

		for (unsigned w = 0; kind != SOCKET_METRICS && w < listener->n_workers; w++) {
			int fd = sockets_listen(sockets, i, w, err);

			if (fd < 0 || worker_add_socket(listener->workers[w], fd, kind, err) < 0)
				return -1;
		}
	}
	if (open_metrics_server(listener, settings, sockets, err) < 0)
		leave_out_metrics(listener, err);
	listener_set_rules(listener, settings);
	*ret_listener = TAKE(listener);
	return 0;
}

int listener_start(struct listener *listener, struct templates *templates, struct error *err)
{
	listener_set_templates(listener, templates);
	for (unsigned i = 0; i < listener->n_workers; i++)
		if (worker_start(listener->workers[i], err) < 0)
			return -1;
	if (listener->metrics && metrics_server_start(listener->metrics, err) < 0)
		leave_out_metrics(listener, err);
	return 0;
}

bool listener_misses_metrics(const struct listener *listener)
{
	return listener->misses_metrics;
}

static void hand_over(struct listener *listener)
{
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_set_serving(listener->workers[i], &listener->serving);
}

void listener_set_certificates(struct listener *listener, struct certificates *certificates)
{
	certificates_unref(listener->serving.certificates);
	listener->serving.certificates = certificates_ref(certificates);
	hand_over(listener);
	if (listener->metrics)
		metrics_server_set_serving(listener->metrics, &listener->serving);
}

void listener_set_templates(struct listener *listener, struct templates *templates)
{
	templates_unref(listener->serving.templates);
	listener->serving.templates = templates_ref(templates);
	hand_over(listener);
}

void listener_set_signer(struct listener *listener, struct signer *signer)
{
	signer_unref(listener->serving.signer);
	listener->serving.signer = signer_ref(signer);
	hand_over(listener);
}

static const char *join(struct arena *memory, const struct texts *words)
{
	struct bytes text = BYTES_IN(memory);

	for (size_t i = 0; i < words->count; i++)
		bytes_add_format(&text, "%s%s", i ? " " : "", words->items[i]);
	return bytes_text(&text);
}

void listener_set_rules(struct listener *listener, const struct settings *settings)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct serving *serving = &listener->serving;
	const struct client_limits_rules limit = {
		.requests = settings->limits.requests_per_second,
		.burst = settings->limits.requests_at_once,
		.addresses = settings->limits.addresses_per_network,
		.trusted = join(&memory, &settings->limits.trusted),
	};

	client_limits_set(listener->limits, &limit);
	serving->unknown_name = settings->tls.unknown_name;
	serving->handshake_timeout = settings->limits.handshake_timeout;
	serving->connections_per_network = settings->limits.connections_per_network;
	serving->redirect_to_same_host = settings->server.redirect == REDIRECT_SAME_HOST;
	serving->http_autoconfig = settings->server.http_autoconfig == HTTP_AUTOCONFIG_YES;
	serving->log.addresses = settings->log.addresses;
	serving->log.slow = (int64_t)settings->log.slow * 1000;
	snprintf(serving->log.traced, sizeof(serving->log.traced), "%s",
		 join(&memory, &settings->log.trace));
	snprintf(serving->acme_directory, sizeof(serving->acme_directory), "%s",
		 settings->acme.directory);
	snprintf(serving->trusted_proxies, sizeof(serving->trusted_proxies), "%s",
		 join(&memory, &settings->server.trusted_proxies));
	snprintf(serving->public_name, sizeof(serving->public_name), "%s",
		 settings->server.public_name);
	hand_over(listener);
	if (listener->metrics)
		metrics_server_set_serving(listener->metrics, serving);
}

static void set_stores(struct listener *listener, struct store **stores)
{
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_set_store(listener->workers[i], TAKE(stores[i]));
	if (listener->metrics)
		metrics_server_set_store(listener->metrics, TAKE(stores[listener->n_workers]));
}

int listener_reopen_database(struct listener *listener, const char *file, bool closes_first,
			     struct error *err)
{
	unsigned count = listener->n_workers + (listener->metrics ? 1 : 0), n_open = 0;
	const struct timespec pause = { .tv_nsec = 1000000 };
	_cleanup_(freep) struct store **stores = xcalloc(count + 1, sizeof(struct store *));
	int r = 0;

	if (closes_first) {
		int64_t until;

		set_stores(listener, stores);
		until = clock_now() + CLOSE_PATIENCE_MS;
		/* A worker that hangs keeps its connection. */
		for (unsigned i = 0; i < listener->n_workers; i++)
			while (worker_has_store(listener->workers[i]) && clock_now() < until)
				nanosleep(&pause, NULL);
	}
	while (n_open < count && r == 0) {
		r = store_open(file, STORE_READ, &stores[n_open], err);
		n_open += r == 0;
	}
	if (r == 0)
		set_stores(listener, stores);
	for (unsigned i = 0; i < n_open; i++)
		store_close(stores[i]);
	return r == 0 ? 0 : -1;
}

void listener_tell_reloaded(struct listener *listener, bool is_whole)
{
	if (listener->metrics)
		metrics_server_set_reloaded(listener->metrics, is_whole);
}

void listener_tick(struct listener *listener, int64_t now)
{
	client_limits_write_refusals(listener->limits, now);
	if (ticket_key_renew(listener->ticket_key, now))
		log_info("session ticket key replaced");
}

bool pulse_has_stopped(struct pulse *pulse, unsigned turns, int64_t now, int64_t patience)
{
	if (pulse->since == 0 || turns != pulse->turns)
		*pulse = (struct pulse){ .turns = turns, .since = now };
	return now - pulse->since >= patience;
}

unsigned listener_hanging(struct listener *listener, int64_t now, int64_t patience)
{
	unsigned hanging = 0;

	for (unsigned i = 0; i < listener->n_workers; i++)
		hanging += pulse_has_stopped(&listener->pulses[i],
					     worker_turns(listener->workers[i]), now, patience);
	return hanging;
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	metrics_server_close(listener->metrics);
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_stop(listener->workers[i]);
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_free(listener->workers[i]);
	certificates_unref(listener->serving.certificates);
	templates_unref(listener->serving.templates);
	signer_unref(listener->serving.signer);
	client_limits_write_refusals(listener->limits, INT64_MAX);
	client_limits_free(listener->limits);
	free(listener->priorities);
	free(listener->workers);
	free(listener->pulses);
	ticket_key_free(listener->ticket_key);
	free(listener);
}
