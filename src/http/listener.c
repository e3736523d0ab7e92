#include "http/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/exchange.h"
#include "http/limit.h"
#include "http/worker.h"
#include "store/store.h"
#include "tls/client.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/socket-address.h"
#include "util/unix-socket.h"

#define BACKLOG 1024

/* Connections of all workers together. Each holds 20 KiB, and 40 KiB while a body is under way
 * (measured with 400), so this is 800 MiB at the most. */
#define CONNECTIONS_MAX 20000

/* Descriptors kept for the database, templates, certificates and the log. */
#define DESCRIPTORS_KEPT 64

struct listener {
	struct worker **workers;
	unsigned n_workers;
	struct unix_socket *unix_sockets;
	size_t n_unix_sockets;
	gnutls_datum_t ticket_key;
	struct client_suites suites;
	struct limit *limit;
};

static unsigned processors(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static rlim_t raise_descriptor_limit(void)
{
	struct rlimit limit = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

/* The connections that each listening socket may take, so that accept() never runs out of
 * descriptors: libmicrohttpd would try it again and again, as fast as it can. */
static int share_connections(unsigned workers, size_t addresses, unsigned *ret_connections,
			     struct error *err)
{
	rlim_t sockets = (rlim_t)workers * addresses, limit = raise_descriptor_limit();
	rlim_t kept = DESCRIPTORS_KEPT + (rlim_t)workers * WORKER_DESCRIPTORS +
		      sockets * WORKER_SOCKET_DESCRIPTORS;
	rlim_t connections = CONNECTIONS_MAX;

	if (limit < kept + sockets)
		return error_set(err, ERROR_SYSTEM,
				 "%u threads need more than the %llu open files that are allowed; "
				 "raise that limit (LimitNOFILE= of systemd) or lower 'threads'",
				 workers, (unsigned long long)limit);
	if (limit - kept < connections)
		connections = limit - kept;
	*ret_connections = connections > sockets ? (unsigned)(connections / sockets) : 1;
	return 0;
}

/* [::] takes IPv4 connections too, unless 0.0.0.0 with the same port is listened on beside it. */
static bool has_twin(const struct words *addresses, const struct sockaddr_storage *address)
{
	struct sockaddr_storage other;
	socklen_t length;
	struct error err;

	for (size_t i = 0; i < addresses->count; i++)
		if (!unix_socket_path(addresses->items[i]) &&
		    socket_address_parse(addresses->items[i], &other, &length, &err) == 0 &&
		    socket_address_overlaps(&other, address) &&
		    !socket_address_equals(&other, address))
			return true;
	return false;
}

static int bind_socket(const struct words *addresses, const char *text, bool is_shared, int *ret_fd,
		       struct error *err)
{
	_cleanup_(closep) int fd = -1;
	struct sockaddr_storage address;
	const int yes = 1;
	int v6only;
	socklen_t length;

	if (socket_address_parse(text, &address, &length, err) < 0)
		return -1;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", text,
				 strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (is_shared)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	v6only = has_twin(addresses, &address);
	if (address.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, (struct sockaddr *)&address, length) < 0 ||
	    (is_shared && listen(fd, BACKLOG) < 0))
		return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s%s", text,
				 strerror(errno),
				 errno == EADDRINUSE ? " by another program"
				 : errno == EACCES ? " (ports below 1024 need CAP_NET_BIND_SERVICE)"
						   : "");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Sockets that share a port would not notice that another program of ours has it: one that does
 * not share is tried first. */
static int check_free(const struct words *addresses, const char *text, struct error *err)
{
	_cleanup_(closep) int fd = -1;

	return bind_socket(addresses, text, false, &fd, err);
}

static int open_address(struct listener *listener, const struct words *addresses, const char *text,
			enum port_kind kind, struct error *err)
{
	if (check_free(addresses, text, err) < 0)
		return -1;
	for (unsigned w = 0; w < listener->n_workers; w++) {
		int fd;

		if (bind_socket(addresses, text, true, &fd, err) < 0 ||
		    worker_add_socket(listener->workers[w], fd, kind, err) < 0)
			return -1;
	}
	return 0;
}

/* A unix socket cannot be bound by each worker; they share the one. */
static int open_unix_socket(struct listener *listener, const char *path, enum port_kind kind,
			    struct error *err)
{
	struct unix_socket *opened = &listener->unix_sockets[listener->n_unix_sockets];

	if (unix_socket_open(path, BACKLOG, opened, err) < 0)
		return -1;
	listener->n_unix_sockets++;
	for (unsigned w = 0; w < listener->n_workers; w++) {
		int fd = fcntl(opened->fd, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return error_set(err, ERROR_SYSTEM, "cannot listen on unix:%s: %s", path,
					 strerror(errno));
		if (worker_add_socket(listener->workers[w], fd, kind, err) < 0)
			return -1;
	}
	return 0;
}

static int open_sockets(struct listener *listener, const struct words *addresses,
			enum port_kind kind, struct error *err)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const char *text = addresses->items[i], *path = unix_socket_path(text);

		if ((path ? open_unix_socket(listener, path, kind, err)
			  : open_address(listener, addresses, text, kind, err)) < 0)
			return -1;
	}
	return 0;
}

static int open_workers(struct listener *listener, const struct settings *settings,
			struct error *err)
{
	size_t sockets = settings->server.listen_https.count + settings->server.listen_http.count +
			 settings->server.behind_proxy.count;
	unsigned count = settings->server.threads ? settings->server.threads : processors();
	struct worker_options options = {
		.ticket_key = &listener->ticket_key,
		.suites = &listener->suites,
		.limit = listener->limit,
		.idle_timeout = settings->limits.idle_timeout,
	};

	if (share_connections(count, sockets, &options.connections_max, err) < 0)
		return -1;
	listener->workers = xcalloc(count, sizeof(*listener->workers));
	for (; listener->n_workers < count; listener->n_workers++) {
		struct store *store;

		if (store_open_patiently(settings->database.file, EXCHANGE_PATIENCE_MS, &store,
					 err) < 0 ||
		    worker_new(&options, store, &listener->workers[listener->n_workers], err) < 0)
			return -1;
	}
	return 0;
}

int listener_open(const struct settings *settings, struct listener **ret_listener,
		  struct error *err)
{
	_cleanup_(listener_closep) struct listener *listener = xnew(struct listener);

	if (gnutls_session_ticket_key_generate(&listener->ticket_key) < 0)
		return error_set(err, ERROR_TLS, "cannot make a key for session tickets");
	if (client_suites_init(WORKER_TLS_PRIORITIES, &listener->suites, err) < 0)
		return -1;
	listener->limit = limit_new();
	listener->unix_sockets = xcalloc(settings->server.behind_proxy.count,
					 sizeof(*listener->unix_sockets));
	if (open_workers(listener, settings, err) < 0 ||
	    open_sockets(listener, &settings->server.listen_https, PORT_TLS, err) < 0 ||
	    open_sockets(listener, &settings->server.listen_http, PORT_PLAIN, err) < 0 ||
	    open_sockets(listener, &settings->server.behind_proxy, PORT_PROXY, err) < 0)
		return -1;
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
	return 0;
}

void listener_set_certificates(struct listener *listener, struct certificates *certificates)
{
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_set_certificates(listener->workers[i], certificates);
}

void listener_set_templates(struct listener *listener, struct templates *templates)
{
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_set_templates(listener->workers[i], templates);
}

void listener_set_signer(struct listener *listener, struct signer *signer)
{
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_set_signer(listener->workers[i], signer);
}

static const char *join(struct arena *memory, const struct words *words)
{
	struct bytes text = BYTES_IN(memory);

	for (size_t i = 0; i < words->count; i++)
		bytes_add_format(&text, "%s%s", i ? " " : "", words->items[i]);
	return bytes_text(&text);
}

static void set_limit(struct limit *limit, const struct settings *settings)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct limit_rules rules = {
		.requests = settings->limits.requests_per_second,
		.burst = settings->limits.requests_at_once,
		.addresses = settings->limits.addresses_per_network,
		.bits = { settings->limits.ipv4_network, settings->limits.ipv6_network },
		.trusted = join(&memory, &settings->limits.trusted),
	};

	limit_set(limit, &rules);
}

void listener_set_rules(struct listener *listener, const struct settings *settings)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct worker_rules rules = {
		.sni_policy = settings->tls.unknown_name == UNKNOWN_NAME_DEFAULT ? SNI_DEFAULT
										 : SNI_REFUSE,
		.log = { settings->log.addresses,
			 (int64_t)settings->log.slow * 1000,
			 { settings->limits.ipv4_network, settings->limits.ipv6_network } },
		.handshake_timeout = settings->limits.handshake_timeout,
	};

	set_limit(listener->limit, settings);
	rules.redirect_to_same_host = settings->server.redirect == REDIRECT_SAME_HOST;
	rules.http_autoconfig = settings->server.http_autoconfig == HTTP_AUTOCONFIG_YES;
	(void)snprintf(rules.acme_directory, sizeof(rules.acme_directory), "%s",
		       settings->acme.directory);
	(void)snprintf(rules.trusted_proxies, sizeof(rules.trusted_proxies), "%s",
		       join(&memory, &settings->server.trusted_proxies));
	(void)snprintf(rules.public_name, sizeof(rules.public_name), "%s",
		       settings->server.public_name);
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_set_rules(listener->workers[i], &rules);
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_stop(listener->workers[i]);
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_join(listener->workers[i]);
	for (unsigned i = 0; i < listener->n_workers; i++)
		worker_free(listener->workers[i]);
	limit_free(listener->limit);
	free(listener->workers);
	for (size_t i = 0; i < listener->n_unix_sockets; i++)
		unix_socket_close(&listener->unix_sockets[i]);
	free(listener->unix_sockets);
	if (listener->ticket_key.data) {
		gnutls_memset(listener->ticket_key.data, 0, listener->ticket_key.size);
		gnutls_free(listener->ticket_key.data);
	}
	free(listener);
}

unsigned listener_threads(const struct listener *listener)
{
	return listener->n_workers;
}
