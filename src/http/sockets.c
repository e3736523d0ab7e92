#include "http/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/socket-activation.h"
#include "util/socket-address.h"
#include "util/socket-holder.h"

#define BACKLOG 1024

#define WEB_SERVERS "@(apache2|caddy|haproxy|httpd|lighttpd|nginx|traefik)"

/* As they are handed over, and shown. */
static const struct {
	const char *name, *prefix;
} kinds[SOCKET_KINDS] = {
	[SOCKET_TLS] = { "https", "on https://" },
	[SOCKET_PLAIN] = { "http", "on http://" },
	[SOCKET_PROXY] = { "proxy", "behind a proxy on " },
	[SOCKET_METRICS] = { "metrics", "for metrics on " },
};

const char *sockets_kind_name(enum socket_kind kind)
{
	return kinds[kind].name;
}

/* [::] takes IPv4 connections too, unless 0.0.0.0 with the same port is listened on beside it. */
static bool has_twin(const struct texts *addresses, const struct sockaddr_storage *address)
{
	struct sockaddr_storage other;
	struct error err;

	for (size_t i = 0; i < addresses->count; i++)
		if (!unix_socket_path(addresses->items[i]) &&
		    socket_address_parse(addresses->items[i], &other, &err) == 0 &&
		    socket_address_overlaps(&other, address) &&
		    !socket_address_equals(&other, address))
			return true;
	return false;
}

/* Returns the socket, or -errno. */
static int bind_socket(const struct sockaddr_storage *address, bool is_shared, int v6only)
{
	_cleanup_(closep) int fd = -1;
	const int yes = 1;

	fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (is_shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	/* It may be bound to an address that this machine does not have yet. */
	if (is_shared && address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof(yes));
	else if (is_shared)
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)address, socket_address_length(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int explain_taken(const struct socket_holder *holder, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	error_append(err, " by %s", socket_holder_text(&memory, holder));
	if (!holder->pid)
		return error_hint(err,
				  "'mailconfd --check-config', run as root, shows which one it is");
	if (fnmatch(WEB_SERVERS, holder->name, FNM_EXTMATCH) == 0)
		return error_hint(
			err, "it can keep the port and pass requests on: set 'behind-proxy' "
			     "and empty 'listen-https' and 'listen-http', see BEHIND A PROXY in "
			     "mailconfd(8)");
	if (text_equals(holder->name, program_invocation_short_name))
		return error_hint(
			err, "stop that one first, or restart it: 'systemctl restart mailconfd'");
	return error_hint(err, "stop it, or listen on another port");
}

/* Binds a socket to the address, which others of our sockets may share and this machine may get
 * later; or which is for it alone, and there. Returns the socket, or -errno with err set, and with
 * ret_holder set for -EADDRINUSE. */
static int bind_text(const struct texts *addresses, const char *text, bool is_shared,
		     struct socket_holder *ret_holder, struct error *err)
{
	struct sockaddr_storage address;
	int fd;

	if (socket_address_parse(text, &address, err) < 0)
		return -EINVAL;
	fd = bind_socket(&address, is_shared, has_twin(addresses, &address));
	if (fd >= 0)
		return fd;
	*ret_holder = (struct socket_holder){ 0 };
	error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", text, strerror(-fd));
	if (fd == -EADDRINUSE && socket_holder_find(&address, ret_holder))
		explain_taken(ret_holder, err);
	if (fd == -EACCES)
		error_hint(err, "ports below 1024 need CAP_NET_BIND_SERVICE");
	if (fd == -EPERM) /* the BPF program of SocketBindDeny= */
		error_hint(err,
			   "if the unit forbids the port, allow it: 'systemctl edit "
			   "mailconfd', [Service], SocketBindAllow=tcp:%s",
			   strrchr(text, ':') + 1);
	return fd;
}

int sockets_check(const struct texts *addresses, const char *text, struct socket_holder *ret_holder,
		  struct error *err)
{
	int fd = bind_text(addresses, text, false, ret_holder, err);

	if (fd < 0)
		return fd == -EADDRINUSE      ? SOCKETS_TAKEN
		       : fd == -EACCES	      ? SOCKETS_DENIED
		       : fd == -EADDRNOTAVAIL ? SOCKETS_ABSENT
					      : -1;
	close(fd);
	return 0;
}

const char *sockets_address(struct arena *memory, const struct texts *addresses, const char *text,
			    struct bytes *warning)
{
	const struct sockaddr_storage any = { .ss_family = AF_INET6 };
	struct sockaddr_storage address;
	const char *other = NULL;
	struct error err;
	int fd;

	if (unix_socket_path(text) || socket_address_parse(text, &address, &err) < 0 ||
	    address.ss_family != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&address)->sin6_addr))
		return text;
	/* A kernel without IPv6, or with its addresses switched off. */
	fd = bind_socket(&any, false, true);
	if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL) {
		closep(&fd);
		return text;
	}
	if (!has_twin(addresses, &address))
		other = arena_printf(memory, "0.0.0.0%s", strrchr(text, ':'));
	if (!warning->size)
		bytes_add_format(warning, "IPv6 is not available (%s): ", strerror(-fd));
	else
		bytes_add_text(warning, ", ");
	if (other)
		bytes_add_format(warning, "listening on %s instead of %s", other, text);
	else
		bytes_add_format(warning, "%s is left out", text);
	return other;
}

static unsigned copies_of(const struct sockets *sockets, enum socket_kind kind)
{
	return kind == SOCKET_METRICS ? 1 : sockets->workers;
}

static struct listening_socket *item_new(struct sockets *sockets, const char *address,
					 enum socket_kind kind)
{
	struct listening_socket *item = &sockets->items[sockets->count++];

	item->address = arena_strdup(&sockets->memory, address);
	item->name = arena_printf(&sockets->memory, "%s%s", kinds[kind].prefix, address);
	item->kind = kind;
	item->unix_socket.fd = -1;
	item->fds = arena_array(&sockets->memory, int, sockets->workers);
	for (unsigned i = 0; i < sockets->workers; i++)
		item->fds[i] = -1;
	return item;
}

static void add_problem(struct sockets *sockets, const struct error *err, const char *consequence)
{
	if (!sockets->problems.count)
		sockets->first = *err;
	texts_add(&sockets->problems, arena_printf(&sockets->memory, "%s; %s",
						   error_line(&sockets->memory, err), consequence));
}

/* The first worker has the socket, the others what shares it. */
static int share(struct sockets *sockets, struct listening_socket *item, struct error *err)
{
	for (unsigned w = 1; w < copies_of(sockets, item->kind); w++) {
		item->fds[w] = fcntl(item->fds[0], F_DUPFD_CLOEXEC, 0);
		if (item->fds[w] < 0)
			return error_set(err, ERROR_SYSTEM, "cannot share %s: %s", item->address,
					 strerror(errno));
	}
	return 0;
}

static int bind_address(struct sockets *sockets, const struct texts *addresses,
			struct listening_socket *item, struct error *err)
{
	struct socket_holder holder;
	int r = sockets_check(addresses, item->address, &holder, err);

	if (r != 0 && r != SOCKETS_ABSENT)
		return -1;
	/* While the network starts, an address may not be there yet. */
	item->is_absent = r == SOCKETS_ABSENT;
	if (item->is_absent)
		add_problem(sockets, err, "it is served once this machine has the address");
	for (unsigned w = 0; w < copies_of(sockets, item->kind); w++) {
		item->fds[w] = bind_text(addresses, item->address, true, &holder, err);
		if (item->fds[w] < 0)
			return -1;
	}
	return 0;
}

static int open_unix_socket(struct sockets *sockets, const char *path,
			    struct listening_socket *item, struct error *err)
{
	if (unix_socket_open(path, BACKLOG, &item->unix_socket, err) < 0)
		return -1;
	item->is_listening = true;
	item->fds[0] = fcntl(item->unix_socket.fd, F_DUPFD_CLOEXEC, 0);
	if (item->fds[0] < 0)
		return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", item->address,
				 strerror(errno));
	return share(sockets, item, err);
}

static void close_item(const struct sockets *sockets, struct listening_socket *item)
{
	for (unsigned w = 0; w < sockets->workers; w++)
		closep(&item->fds[w]);
	if (item->unix_socket.fd >= 0)
		unix_socket_close(&item->unix_socket);
}

/* An address that cannot be opened is left out. */
static void bind_addresses(struct sockets *sockets, const struct texts *addresses,
			   enum socket_kind kind)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const char *address = sockets_address(&sockets->memory, addresses,
						      addresses->items[i], &sockets->warning);
		const char *path = unix_socket_path(addresses->items[i]);
		struct listening_socket *item;
		struct error err;

		if (!address)
			continue;
		item = item_new(sockets, address, kind);

		if ((path ? open_unix_socket(sockets, path, item, &err)
			  : bind_address(sockets, addresses, item, &err)) == 0)
			continue;
		close_item(sockets, item);
		sockets->count--;
		add_problem(sockets, &err, "this address is left out until a restart");
	}
}

/* Clients do not come over a unix socket. */
static bool is_usable(enum socket_kind kind, sa_family_t family)
{
	return family == AF_INET || family == AF_INET6 ||
	       (family == AF_UNIX && (kind == SOCKET_PROXY || kind == SOCKET_METRICS));
}

/* The workers share the socket itself, and with it whether it blocks. */
static int take_handed(struct sockets *sockets, const struct handed *handed, struct error *err)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address), size_of_int = sizeof(int);
	int type = 0, is_listening = 0;
	struct listening_socket *item;
	enum socket_kind kind = 0;
	const char *text;

	while (kind < SOCKET_KINDS && !text_equals(kinds[kind].name, handed->name))
		kind++;
	if (kind == SOCKET_KINDS)
		return error_set(err, ERROR_SYSTEM,
				 "a socket named '%s' was handed over; its name must be https, "
				 "http, proxy or metrics (FileDescriptorName= of systemd)",
				 handed->name);
	if (getsockname(handed->fd, (struct sockaddr *)&address, &size) < 0 ||
	    !is_usable(kind, address.ss_family) ||
	    getsockopt(handed->fd, SOL_SOCKET, SO_TYPE, &type, &size_of_int) < 0 ||
	    type != SOCK_STREAM ||
	    getsockopt(handed->fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size_of_int) < 0 ||
	    !is_listening)
		return error_set(
			err, ERROR_SYSTEM,
			"the socket that was handed over as '%s' is not a listening TCP socket "
			"(ListenStream=ADDRESS:PORT and Accept=no of systemd)",
			handed->name);
	text = address.ss_family == AF_UNIX
		       ? arena_printf(&sockets->memory, "unix:%s",
				      ((const struct sockaddr_un *)&address)->sun_path)
		       : socket_address_text(&sockets->memory, &address);
	item = item_new(sockets, text, kind);
	item->name = arena_printf(&sockets->memory, "%s, handed over", item->name);
	item->is_listening = true; /* who hands it over has chosen its backlog */
	item->fds[0] = handed->fd;
	fcntl(handed->fd, F_SETFL, O_NONBLOCK);
	return share(sockets, item, err);
}

static bool is_open(const struct sockets *sockets, enum socket_kind kind)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->items[i].kind == kind && !sockets->items[i].is_absent)
			return true;
	return false;
}

/* Settings are served over HTTPS or to a proxy. A daemon that is configured for neither has
 * port 80. */
static bool can_serve(const struct sockets *sockets, const struct settings *settings)
{
	if (is_open(sockets, SOCKET_TLS) || is_open(sockets, SOCKET_PROXY))
		return true;
	return !settings->server.listen_https.count && !settings->server.behind_proxy.count &&
	       (is_open(sockets, SOCKET_PLAIN) || !settings->server.listen_http.count);
}

bool sockets_have(const struct sockets *sockets, enum socket_kind kind)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->items[i].kind == kind)
			return true;
	return false;
}

int sockets_open(const struct settings *settings, unsigned workers, struct sockets **ret_sockets,
		 struct error *err)
{
	_cleanup_(sockets_closep) struct sockets *sockets = xnew(struct sockets);
	const struct texts *const addresses[SOCKET_KINDS] = {
		[SOCKET_TLS] = &settings->server.listen_https,
		[SOCKET_PLAIN] = &settings->server.listen_http,
		[SOCKET_PROXY] = &settings->server.behind_proxy,
		[SOCKET_METRICS] = &settings->metrics.listen,
	};
	struct handed *handed;
	size_t n_handed = handed_take(&sockets->memory, &handed);

	sockets->workers = workers;
	sockets->problems.memory = &sockets->memory;
	sockets->warning.memory = &sockets->memory;
	sockets->items = arena_array(
		&sockets->memory, struct listening_socket,
		n_handed + addresses[SOCKET_TLS]->count + addresses[SOCKET_PLAIN]->count +
			addresses[SOCKET_PROXY]->count + addresses[SOCKET_METRICS]->count);
	for (size_t i = 0; i < n_handed; i++)
		if (take_handed(sockets, &handed[i], err) < 0)
			return -1;
	for (enum socket_kind kind = 0; kind < SOCKET_KINDS; kind++)
		if (!sockets_have(sockets, kind))
			bind_addresses(sockets, addresses[kind], kind);
	if (sockets->problems.count && !can_serve(sockets, settings)) {
		*err = sockets->first;
		return -1;
	}
	*ret_sockets = TAKE(sockets);
	return 0;
}

int sockets_listen(struct sockets *sockets, size_t index, unsigned worker, struct error *err)
{
	struct listening_socket *item = &sockets->items[index];

	if (!item->is_listening && listen(item->fds[worker], BACKLOG) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", item->address,
				 strerror(errno));
	return TAKE_FD(item->fds[worker]);
}

void sockets_close(struct sockets *sockets)
{
	if (!sockets)
		return;
	for (size_t i = 0; i < sockets->count; i++)
		close_item(sockets, &sockets->items[i]);
	arena_clear(&sockets->memory);
	free(sockets);
}
