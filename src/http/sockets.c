#include "http/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/binding.h"
#include "util/socket-activation.h"
#include "util/socket-address.h"
#include "util/socket-holder.h"
#include "util/string-list.h"
#include "util/unix-socket.h"

#define BACKLOG 1024

/* One address. */
struct listening_socket {
	const char *name, *address;
	enum port_kind kind;
	bool is_listening;
	bool is_absent;			/* this machine does not have the address */
	int *fds;			/* one for each worker, -1 once it is taken */
	struct unix_socket unix_socket; /* its fd is -1 where it is none */
};

/* As they are handed over, and shown. */
static const struct {
	const char *name, *prefix;
} kinds[PORT_KINDS] = {
	[PORT_TLS] = { "https", "on https://" },
	[PORT_PLAIN] = { "http", "on http://" },
	[PORT_PROXY] = { "proxy", "behind a proxy on " },
	[PORT_METRICS] = { "metrics", "for metrics on " },
};

const char *sockets_kind_name(enum port_kind kind)
{
	return kinds[kind].name;
}

struct sockets {
	struct arena memory; /* holds all below */
	unsigned workers;
	struct listening_socket *ports;
	size_t count;
	struct texts problems; /* of the addresses that are not open */
	struct error first;    /* of these */
	struct bytes warning;  /* of those that stand for others; empty for none */
};

static unsigned copies_of(const struct sockets *sockets, enum port_kind kind)
{
	return kind == PORT_METRICS ? 1 : sockets->workers;
}

static struct listening_socket *port_new(struct sockets *sockets, const char *address,
					 enum port_kind kind)
{
	struct listening_socket *port = &sockets->ports[sockets->count++];

	port->address = arena_strdup(&sockets->memory, address);
	port->name = arena_printf(&sockets->memory, "%s%s", kinds[kind].prefix, address);
	port->kind = kind;
	port->unix_socket.fd = -1;
	port->fds = arena_array(&sockets->memory, int, sockets->workers);
	for (unsigned i = 0; i < sockets->workers; i++)
		port->fds[i] = -1;
	return port;
}

static void add_problem(struct sockets *sockets, const struct error *err, const char *consequence)
{
	if (!sockets->problems.count)
		sockets->first = *err;
	texts_add(&sockets->problems,
		  arena_printf(&sockets->memory, "%s; %s", err->text, consequence));
}

/* The first worker has the socket, the others what shares it. */
static int share(struct sockets *sockets, struct listening_socket *port, struct error *err)
{
	for (unsigned w = 1; w < copies_of(sockets, port->kind); w++) {
		port->fds[w] = fcntl(port->fds[0], F_DUPFD_CLOEXEC, 0);
		if (port->fds[w] < 0)
			return error_set(err, ERROR_SYSTEM, "cannot share %s: %s", port->address,
					 strerror(errno));
	}
	return 0;
}

/* While the network starts, an address may not be there yet. */
static int bind_address(struct sockets *sockets, const struct texts *addresses,
			struct listening_socket *port, struct error *err)
{
	struct socket_holder holder;
	int r = binding_check(addresses, port->address, &holder, err);

	port->is_absent = r == BINDING_ABSENT;
	if (r != 0 && !port->is_absent)
		return -1;
	if (port->is_absent)
		add_problem(sockets, err, "it is served once this machine has the address");
	for (unsigned w = 0; w < copies_of(sockets, port->kind); w++) {
		port->fds[w] = binding_open(addresses, port->address, err);
		if (port->fds[w] < 0)
			return -1;
	}
	return 0;
}

static int open_unix_socket(struct sockets *sockets, const char *path,
			    struct listening_socket *port, struct error *err)
{
	if (unix_socket_open(path, BACKLOG, &port->unix_socket, err) < 0)
		return -1;
	port->is_listening = true;
	port->fds[0] = fcntl(port->unix_socket.fd, F_DUPFD_CLOEXEC, 0);
	if (port->fds[0] < 0)
		return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", port->address,
				 strerror(errno));
	return share(sockets, port, err);
}

static void close_port(const struct sockets *sockets, struct listening_socket *port)
{
	for (unsigned w = 0; w < sockets->workers; w++)
		closep(&port->fds[w]);
	if (port->unix_socket.fd >= 0)
		unix_socket_close(&port->unix_socket);
}

/* An address that cannot be opened is left out. */
static void bind_addresses(struct sockets *sockets, const struct texts *addresses,
			   enum port_kind kind)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const char *address = binding_address(&sockets->memory, addresses,
						      addresses->items[i], &sockets->warning);
		const char *path = unix_socket_path(addresses->items[i]);
		struct listening_socket *port;
		struct error err;

		if (!address)
			continue;
		port = port_new(sockets, address, kind);

		if ((path ? open_unix_socket(sockets, path, port, &err)
			  : bind_address(sockets, addresses, port, &err)) == 0)
			continue;
		close_port(sockets, port);
		sockets->count--;
		add_problem(sockets, &err, "this address is left out until a restart");
	}
}

static bool is_open(const struct sockets *sockets, enum port_kind kind)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->ports[i].kind == kind && !sockets->ports[i].is_absent)
			return true;
	return false;
}

/* Settings are served over HTTPS or to a proxy. A daemon that is configured for neither has
 * port 80. */
static bool can_serve(const struct sockets *sockets, const struct settings *settings)
{
	if (is_open(sockets, PORT_TLS) || is_open(sockets, PORT_PROXY))
		return true;
	return !settings->server.listen_https.count && !settings->server.behind_proxy.count &&
	       (is_open(sockets, PORT_PLAIN) || !settings->server.listen_http.count);
}

static int find_kind(const char *name, enum port_kind *ret_kind, struct error *err)
{
	for (enum port_kind kind = 0; kind < PORT_KINDS; kind++) {
		if (text_equals(kinds[kind].name, name)) {
			*ret_kind = kind;
			return 0;
		}
	}
	return error_set(err, ERROR_SYSTEM,
			 "a socket named '%s' was handed over; its name must be https, "
			 "http, proxy or metrics (FileDescriptorName= of systemd)",
			 name);
}

/* Clients do not come over a unix socket. */
static bool fits(enum port_kind kind, sa_family_t family)
{
	return family == AF_INET || family == AF_INET6 ||
	       (family == AF_UNIX && (kind == PORT_PROXY || kind == PORT_METRICS));
}

static int check_handed(const struct handed *handed, enum port_kind kind,
			struct sockaddr_storage *ret_address, struct error *err)
{
	socklen_t size = sizeof(*ret_address), size_of_int = sizeof(int);
	int type = 0, is_listening = 0;

	memset(ret_address, 0, sizeof(*ret_address));
	if (getsockname(handed->fd, (struct sockaddr *)ret_address, &size) < 0 ||
	    !fits(kind, ret_address->ss_family) ||
	    getsockopt(handed->fd, SOL_SOCKET, SO_TYPE, &type, &size_of_int) < 0 ||
	    type != SOCK_STREAM ||
	    getsockopt(handed->fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size_of_int) < 0 ||
	    !is_listening)
		return error_set(
			err, ERROR_SYSTEM,
			"the socket that was handed over as '%s' is not a listening TCP socket "
			"(ListenStream=ADDRESS:PORT and Accept=no of systemd)",
			handed->name);
	return 0;
}

static const char *address_text(struct arena *memory, const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_UNIX)
		return arena_printf(memory, "unix:%s",
				    ((const struct sockaddr_un *)address)->sun_path);
	return socket_address_text(memory, address);
}

/* The workers share the socket itself, and with it whether it blocks. */
static int take_handed(struct sockets *sockets, const struct handed *handed, struct error *err)
{
	struct sockaddr_storage address;
	enum port_kind kind = PORT_TLS;
	struct listening_socket *port;

	if (find_kind(handed->name, &kind, err) < 0 ||
	    check_handed(handed, kind, &address, err) < 0)
		return -1;
	port = port_new(sockets, address_text(&sockets->memory, &address), kind);
	port->name = arena_printf(&sockets->memory, "%s, handed over", port->name);
	port->is_listening = true; /* who hands it over has chosen its backlog */
	port->fds[0] = handed->fd;
	(void)fcntl(handed->fd, F_SETFL, O_NONBLOCK);
	return share(sockets, port, err);
}

bool sockets_have(const struct sockets *sockets, enum port_kind kind)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->ports[i].kind == kind)
			return true;
	return false;
}

int sockets_open(const struct settings *settings, unsigned workers, struct sockets **ret_sockets,
		 struct error *err)
{
	_cleanup_(sockets_closep) struct sockets *sockets = xnew(struct sockets);
	const struct texts *const addresses[PORT_KINDS] = {
		[PORT_TLS] = &settings->server.listen_https,
		[PORT_PLAIN] = &settings->server.listen_http,
		[PORT_PROXY] = &settings->server.behind_proxy,
		[PORT_METRICS] = &settings->metrics.listen,
	};
	struct handed *handed;
	size_t n_handed = handed_take(&sockets->memory, &handed);

	sockets->workers = workers;
	sockets->problems.memory = &sockets->memory;
	sockets->warning.memory = &sockets->memory;
	sockets->ports = arena_array(
		&sockets->memory, struct listening_socket,
		n_handed + addresses[PORT_TLS]->count + addresses[PORT_PLAIN]->count +
			addresses[PORT_PROXY]->count + addresses[PORT_METRICS]->count);
	for (size_t i = 0; i < n_handed; i++)
		if (take_handed(sockets, &handed[i], err) < 0)
			return -1;
	for (enum port_kind kind = 0; kind < PORT_KINDS; kind++)
		if (!sockets_have(sockets, kind))
			bind_addresses(sockets, addresses[kind], kind);
	if (sockets->problems.count && !can_serve(sockets, settings)) {
		*err = sockets->first;
		return -1;
	}
	*ret_sockets = TAKE(sockets);
	return 0;
}

const struct texts *sockets_problems(const struct sockets *sockets)
{
	return &sockets->problems;
}

const char *sockets_warning(const struct sockets *sockets)
{
	return sockets->warning.size ? bytes_text(&sockets->warning) : NULL;
}

size_t sockets_count(const struct sockets *sockets)
{
	return sockets->count;
}

const char *sockets_name(const struct sockets *sockets, size_t index)
{
	return sockets->ports[index].name;
}

enum port_kind sockets_kind(const struct sockets *sockets, size_t index)
{
	return sockets->ports[index].kind;
}

int sockets_listen(struct sockets *sockets, size_t index, unsigned worker, struct error *err)
{
	struct listening_socket *port = &sockets->ports[index];

	if (!port->is_listening && listen(port->fds[worker], BACKLOG) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", port->address,
				 strerror(errno));
	return TAKE_FD(port->fds[worker]);
}

void sockets_close(struct sockets *sockets)
{
	if (!sockets)
		return;
	for (size_t i = 0; i < sockets->count; i++)
		close_port(sockets, &sockets->ports[i]);
	arena_clear(&sockets->memory);
	free(sockets);
}
