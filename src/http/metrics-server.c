#include "http/metrics-server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "http/mhd.h"
#include "http/retired-certificates.h"
#include "http/serving.h"
#include "http/worker.h"
#include "observe/counters.h"
#include "observe/metrics.h"
#include "store/store.h"
#include "tls/certificates.h"
#include "util/clock.h"
#include "util/digest.h"
#include "util/log.h"

/* Of each socket: who watches asks every few seconds. */
#define CONNECTIONS_MAX 16
#define CONNECTION_TIMEOUT 5 /* seconds */

/* Sixteen is more than anybody needs. */
#define SOCKETS_MAX 16

/* Workers may be this busy with what they do, in milliseconds; and how often they are looked at. */
#define PATIENCE_MS 2000
#define PAUSE_MS 1

struct metrics_server {
	struct worker *const *workers;
	size_t n_workers;
	const struct counters **counters; /* of each */
	bool has_https;
	int64_t started;
	int sockets[SOCKETS_MAX]; /* until it starts */
	struct MHD_Daemon *daemons[SOCKETS_MAX];
	size_t n_sockets;

	pthread_mutex_t lock; /* of all below */
	struct store *store;  /* NULL while the database is reopened */
	struct certificates *certificates;
	char public_name[sizeof(((struct serving *)NULL)->public_name)];
	int64_t reloaded;
	bool has_reloaded_all;
};

struct metrics_server *metrics_server_new(struct worker *const *workers, size_t count,
					  struct store *store, bool has_https)
{
	struct metrics_server *server = xnew(struct metrics_server);

	pthread_mutex_init(&server->lock, NULL);
	server->workers = workers;
	server->n_workers = count;
	server->counters = xcalloc(count, sizeof(*server->counters));
	for (size_t i = 0; i < count; i++)
		server->counters[i] = worker_counters(workers[i]);
	server->store = store;
	server->has_https = has_https;
	server->started = server->reloaded = time(NULL);
	server->has_reloaded_all = true;
	return server;
}

int metrics_server_add_socket(struct metrics_server *server, int fd, struct error *err)
{
	if (server->n_sockets == SOCKETS_MAX) {
		close(fd);
		return error_set(err, ERROR_CONFIG, "more than %d addresses for metrics",
				 SOCKETS_MAX);
	}
	server->sockets[server->n_sockets++] = fd;
	return 0;
}

void metrics_server_set_serving(struct metrics_server *server, const struct serving *serving)
{
	struct certificates *old;

	pthread_mutex_lock(&server->lock);
	old = server->certificates;
	server->certificates = serving->certificates ? certificates_ref(serving->certificates)
						     : NULL;
	memcpy(server->public_name, serving->public_name, sizeof(server->public_name));
	pthread_mutex_unlock(&server->lock);
	certificates_unref(old);
}

void metrics_server_set_store(struct metrics_server *server, struct store *store)
{
	struct store *old;

	pthread_mutex_lock(&server->lock);
	old = server->store;
	server->store = store;
	pthread_mutex_unlock(&server->lock);
	store_close(old);
}

void metrics_server_set_reloaded(struct metrics_server *server, bool has_reloaded_all)
{
	pthread_mutex_lock(&server->lock);
	server->reloaded = time(NULL);
	server->has_reloaded_all = has_reloaded_all;
	pthread_mutex_unlock(&server->lock);
}

/* Which certificates are not renewed, because their domains are gone. Each costs some look-ups, and
 * only those that mailconfctl requested are looked up. Where the database fails, none are left out.
 */
static const bool *find_retired(struct metrics_server *server, struct arena *memory,
				const struct certificates *certificates)
{
	size_t count = certificates ? certificates_count(certificates) : 0;
	bool *retired = arena_array(memory, bool, count + 1);
	struct error err;
	int r = server->store ? store_snapshot(server->store, &err) : STORE_BUSY;

	for (size_t i = 0; i < count && r == 0; i++) {
		const struct certificate *certificate = certificates_at(certificates, i);
		_cleanup_(arena_clear) struct arena look_up = ARENA_NULL;
		enum use use = USE_SERVED;

		if (certificate->is_requested)
			r = retired_find_use(server->store, &look_up, server->public_name,
					     certificate, &use, &err);
		retired[i] = r == 0 && use != USE_SERVED;
	}
	if (server->store)
		store_release(server->store);
	return retired;
}

static const char *show_metrics(struct metrics_server *server, struct bytes *text)
{
	_cleanup_(certificates_unrefp) struct certificates *certificates = NULL;
	struct metrics metrics = {
		.counters = server->counters,
		.n_counters = server->n_workers,
		.log_lines_lost = log_lines_lost(),
		.now = time(NULL),
		.started = server->started,
		.microhttpd = MHD_get_version(),
		.gnutls = gnutls_check_version(NULL),
		.sqlite = store_library_version(),
	};

	pthread_mutex_lock(&server->lock);
	certificates = server->certificates ? certificates_ref(server->certificates) : NULL;
	metrics.reloaded = server->reloaded;
	metrics.has_reloaded_all = server->has_reloaded_all;
	metrics.retired = find_retired(server, text->memory, certificates);
	pthread_mutex_unlock(&server->lock);
	metrics.certificates = certificates;
	metrics_write(text, &metrics);
	return NULL;
}

static const char *show_health(struct metrics_server *server, struct bytes *text)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int64_t until = clock_now() + PATIENCE_MS;

	for (size_t i = 0; i < server->n_workers; i++) {
		unsigned before = worker_turns(server->workers[i]);

		while (worker_turns(server->workers[i]) == before) {
			if (clock_now() >= until)
				return "A thread that answers hangs.";
			nanosleep(&pause, NULL);
		}
	}
	bytes_add_text(text, "alive\n");
	return NULL;
}

static const char *show_readiness(struct metrics_server *server, struct bytes *text)
{
	bool has_domains = false, has_certificates;
	struct digest_key secret;
	struct error err;
	int r = STORE_BUSY;

	pthread_mutex_lock(&server->lock);
	has_certificates = server->certificates || !server->has_https;
	if (server->store) {
		r = store_secret(server->store, &secret, &err);
		gnutls_memset(&secret, 0, sizeof(secret));
		if (r == 0)
			r = store_has_domains(server->store, &has_domains, &err);
		store_release(server->store);
	}
	pthread_mutex_unlock(&server->lock);
	if (r != 0)
		return "The database cannot be read.";
	if (!has_domains)
		return "The database has no domains.";
	if (!has_certificates)
		return "The certificates are not loaded yet.";
	bytes_add_text(text, "ready\n");
	return NULL;
}

/* show() adds what the page says with status 200, or returns the problem. */
static const struct {
	const char *path, *media_type;
	const char *(*show)(struct metrics_server *server, struct bytes *text);
} pages[] = {
	{ "/metrics", METRICS_MEDIA_TYPE, show_metrics },
	{ "/healthz", NULL, show_health },
	{ "/readyz", NULL, show_readiness },
};

/* Called first when the head is there, then for each piece of a body, which is ignored. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **has_begun)
{
	const char *problem = NULL, *media_type = NULL;
	_cleanup_(MHD_destroy_responsep) struct MHD_Response *response = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes text = BYTES_IN(&memory);
	unsigned status = MHD_HTTP_OK;
	size_t i = 0;

	if (!*has_begun || *size > 0) {
		*has_begun = context;
		*size = 0;
		return MHD_YES;
	}
	while (i < sizeof(pages) / sizeof(*pages) && !text_equals(pages[i].path, path))
		i++;
	if (i == sizeof(pages) / sizeof(*pages)) {
		status = MHD_HTTP_NOT_FOUND;
		problem = "There are /metrics, /healthz and /readyz.";
	} else if (!text_equals(method, "GET") && !text_equals(method, "HEAD")) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
		problem = "This is answered to GET and HEAD only.";
	} else {
		media_type = pages[i].media_type;
		problem = pages[i].show(context, &text);
		if (problem)
			status = MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	if (problem)
		bytes_add_format(&text, "%s\n", problem);
	response = MHD_create_response_from_buffer(text.size, (void *)bytes_text(&text),
						   MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				media_type ?: "text/plain; charset=utf-8");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	}
	return MHD_queue_response(connection, status, response);
}

int metrics_server_start(struct metrics_server *server, struct error *err)
{
	static const struct MHD_OptionItem none = { MHD_OPTION_END, 0, NULL };
	const struct mhd_options options = {
		.flags = MHD_USE_EPOLL_INTERNAL_THREAD,
		.connections = CONNECTIONS_MAX,
		.timeout = CONNECTION_TIMEOUT,
		.handle = handle,
		.context = server,
		.more = &none,
	};

	for (size_t i = 0; i < server->n_sockets; i++) {
		server->daemons[i] = mhd_start(server->sockets[i], &options);
		if (!server->daemons[i])
			return error_set(err, ERROR_SYSTEM,
					 "the port of metrics does not start: %s", strerror(errno));
		server->sockets[i] = -1;
	}
	return 0;
}

void metrics_server_close(struct metrics_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < server->n_sockets; i++) {
		if (server->daemons[i])
			MHD_stop_daemon(server->daemons[i]);
		closep(&server->sockets[i]);
	}
	certificates_unref(server->certificates);
	store_close(server->store);
	pthread_mutex_destroy(&server->lock);
	free(server->counters);
	free(server);
}
