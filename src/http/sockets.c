#include "http/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/handed.h"
#include "util/socket-address.h"

#define BACKLOG 1024

/* One address. */
struct port {
	const char *name, *address;
	bool is_tls, is_handed;
	int *fds; /* one for each worker, -1 once it is taken */
};

struct sockets {
	struct arena memory; /* holds all below */
	unsigned workers;
	struct port *ports;
	size_t count;
};

/* [::] takes IPv4 connections too, unless 0.0.0.0 with the same port is listened on beside it. */
static bool has_twin(const struct words *addresses, const struct sockaddr_storage *address)
{
	struct sockaddr_storage other;
	socklen_t length;
	struct error err;

	for (size_t i = 0; i < addresses->count; i++)
		if (socket_address_parse(addresses->items[i], &other, &length, &err) == 0 &&
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
	if (bind(fd, (struct sockaddr *)&address, length) < 0)
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

static struct port *port_new(struct sockets *sockets, const char *address, bool is_tls)
{
	struct port *port = &sockets->ports[sockets->count++];

	port->address = arena_strdup(&sockets->memory, address);
	port->name = arena_printf(&sockets->memory, "http%s://%s", is_tls ? "s" : "", address);
	port->is_tls = is_tls;
	port->fds = arena_array(&sockets->memory, int, sockets->workers);
	for (unsigned i = 0; i < sockets->workers; i++)
		port->fds[i] = -1;
	return port;
}

static int bind_addresses(struct sockets *sockets, const struct words *addresses, bool is_tls,
			  struct error *err)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const char *address = addresses->items[i];
		struct port *port = port_new(sockets, address, is_tls);

		if (check_free(addresses, address, err) < 0)
			return -1;
		for (unsigned w = 0; w < sockets->workers; w++)
			if (bind_socket(addresses, address, true, &port->fds[w], err) < 0)
				return -1;
	}
	return 0;
}

static int check_handed(const struct handed *handed, struct sockaddr_storage *ret_address,
			struct error *err)
{
	socklen_t size = sizeof(*ret_address), size_of_int = sizeof(int);
	int type = 0, is_listening = 0;

	if (!text_equals(handed->name, "https") && !text_equals(handed->name, "http"))
		return error_set(err, ERROR_SYSTEM,
				 "a socket named '%s' was handed over; its name must be https or "
				 "http (FileDescriptorName= of systemd)",
				 handed->name);
	if (getsockname(handed->fd, (struct sockaddr *)ret_address, &size) < 0 ||
	    (ret_address->ss_family != AF_INET && ret_address->ss_family != AF_INET6) ||
	    getsockopt(handed->fd, SOL_SOCKET, SO_TYPE, &type, &size_of_int) < 0 ||
	    type != SOCK_STREAM ||
	    getsockopt(handed->fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size_of_int) < 0 ||
	    !is_listening)
		return error_set(err, ERROR_SYSTEM,
				 "what was handed over as '%s' is no TCP socket that listens "
				 "(ListenStream=ADDRESS:PORT and Accept=no of systemd)",
				 handed->name);
	return 0;
}

/* The workers share the socket itself, and with it whether it blocks. */
static int take_handed(struct sockets *sockets, const struct handed *handed, struct error *err)
{
	bool is_tls = text_equals(handed->name, "https");
	struct sockaddr_storage address;
	struct port *port;

	if (check_handed(handed, &address, err) < 0)
		return -1;
	port = port_new(sockets, socket_address_text(&sockets->memory, &address), is_tls);
	port->name = arena_printf(&sockets->memory, "%s, handed over", port->name);
	port->is_handed = true;
	port->fds[0] = handed->fd;
	(void)fcntl(handed->fd, F_SETFL, O_NONBLOCK);
	for (unsigned w = 1; w < sockets->workers; w++) {
		port->fds[w] = fcntl(handed->fd, F_DUPFD_CLOEXEC, 0);
		if (port->fds[w] < 0)
			return error_set(err, ERROR_SYSTEM, "cannot share %s: %s", port->name,
					 strerror(errno));
	}
	return 0;
}

static bool has(const struct sockets *sockets, bool is_tls)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->ports[i].is_tls == is_tls)
			return true;
	return false;
}

int sockets_open(const struct settings *settings, unsigned workers, struct sockets **ret_sockets,
		 struct error *err)
{
	_cleanup_(sockets_closep) struct sockets *sockets = xnew(struct sockets);
	const struct words *https = &settings->server.listen_https;
	const struct words *http = &settings->server.listen_http;
	struct handed *handed;
	size_t n_handed = handed_take(&sockets->memory, &handed);

	sockets->workers = workers;
	sockets->ports = arena_array(&sockets->memory, struct port,
				     n_handed + https->count + http->count);
	for (size_t i = 0; i < n_handed; i++)
		if (take_handed(sockets, &handed[i], err) < 0)
			return -1;
	if (!has(sockets, true) && bind_addresses(sockets, https, true, err) < 0)
		return -1;
	if (!has(sockets, false) && bind_addresses(sockets, http, false, err) < 0)
		return -1;
	*ret_sockets = TAKE(sockets);
	return 0;
}

size_t sockets_count(const struct sockets *sockets)
{
	return sockets->count;
}

const char *sockets_name(const struct sockets *sockets, size_t index)
{
	return sockets->ports[index].name;
}

int sockets_listen(struct sockets *sockets, size_t index, unsigned worker, bool *ret_is_tls,
		   struct error *err)
{
	struct port *port = &sockets->ports[index];

	/* Who hands over a socket has chosen its backlog. */
	if (!port->is_handed && listen(port->fds[worker], BACKLOG) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", port->address,
				 strerror(errno));
	*ret_is_tls = port->is_tls;
	return TAKE_FD(port->fds[worker]);
}

void sockets_close(struct sockets *sockets)
{
	if (!sockets)
		return;
	for (size_t i = 0; i < sockets->count; i++)
		for (unsigned w = 0; w < sockets->workers; w++)
			closep(&sockets->ports[i].fds[w]);
	arena_clear(&sockets->memory);
	free(sockets);
}
