#include "http/binding.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/settings.h"
#include "util/socket-address.h"
#include "util/socket-holder.h"
#include "util/unix-socket.h"

/* [::] takes IPv4 connections too, unless 0.0.0.0 with the same port is listened on beside it. */
static bool has_twin(const struct texts *addresses, const struct sockaddr_storage *address)
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

static bool is_web_server(const char *name)
{
	static const char *const names[] = { "apache2",	 "caddy", "haproxy", "httpd",
					     "lighttpd", "nginx", "traefik" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_equals(name, names[i]))
			return true;
	return false;
}

static int explain_taken(const struct socket_holder *holder, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	error_append(err, " by %s", socket_holder_text(&memory, holder));
	if (!holder->pid)
		return error_append(
			err, "; 'mailconfd --check-config', run as root, shows which one it is");
	if (is_web_server(holder->name))
		return error_append(
			err, "; it can keep the port and pass requests on: set 'behind-proxy' "
			     "and empty 'listen-https' and 'listen-http', see BEHIND A PROXY in "
			     "mailconfd(8)");
	if (text_equals(holder->name, program_invocation_short_name))
		return error_append(
			err, "; stop that one first, or restart it: 'systemctl restart mailconfd'");
	return error_append(err, "; stop it, or listen on another port");
}

static int explain_bind(const char *text, const struct sockaddr_storage *address, int reason,
			struct socket_holder *ret_holder, struct error *err)
{
	const char *port = strrchr(text, ':') + 1;

	*ret_holder = (struct socket_holder){ 0 };
	error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s", text, strerror(reason));
	if (reason == EADDRINUSE && socket_holder_find(address, ret_holder))
		return explain_taken(ret_holder, err);
	if (reason == EACCES)
		return error_append(err, "; ports below 1024 need CAP_NET_BIND_SERVICE");
	if (reason == EPERM) /* the BPF program of SocketBindDeny= */
		return error_append(err,
				    "; if the unit forbids the port, allow it: 'systemctl edit "
				    "mailconfd', [Service], SocketBindAllow=tcp:%s",
				    port);
	return -1;
}

/* Lets the socket be bound to an address that this machine does not have yet. */
static void allow_absent(int fd, sa_family_t family)
{
	const int yes = 1;

	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof(yes));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
}

/* Returns the socket, or -errno. */
static int bind_socket(const struct sockaddr_storage *address, bool is_shared, int v6only)
{
	_cleanup_(closep) int fd = -1;
	const int yes = 1;

	fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (is_shared)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	if (address->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (is_shared)
		allow_absent(fd, address->ss_family);
	if (bind(fd, (const struct sockaddr *)address, socket_address_length(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int binding_check(const struct texts *addresses, const char *text, struct socket_holder *ret_holder,
		  struct error *err)
{
	struct sockaddr_storage address;
	socklen_t length;
	int fd;

	if (socket_address_parse(text, &address, &length, err) < 0)
		return -1;
	fd = bind_socket(&address, false, has_twin(addresses, &address));
	if (fd < 0) {
		(void)explain_bind(text, &address, -fd, ret_holder, err);
		return fd == -EADDRINUSE      ? BINDING_TAKEN
		       : fd == -EACCES	      ? BINDING_DENIED
		       : fd == -EADDRNOTAVAIL ? BINDING_ABSENT
					      : -1;
	}
	close(fd);
	return 0;
}

int binding_open(const struct texts *addresses, const char *text, struct error *err)
{
	struct sockaddr_storage address;
	struct socket_holder holder;
	socklen_t length;
	int fd;

	if (socket_address_parse(text, &address, &length, err) < 0)
		return -1;
	fd = bind_socket(&address, true, has_twin(addresses, &address));
	return fd < 0 ? explain_bind(text, &address, -fd, &holder, err) : fd;
}

static bool is_ipv6_wildcard(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* Returns 0, or the errno of a kernel without IPv6, or with its addresses switched off. */
static int probe_ipv6(void)
{
	const struct sockaddr_in6 wildcard = { .sin6_family = AF_INET6 };
	struct sockaddr_storage address = { 0 };
	int fd;

	memcpy(&address, &wildcard, sizeof(wildcard));
	fd = bind_socket(&address, false, true);
	if (fd >= 0)
		close(fd);
	return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? -fd : 0;
}

const char *binding_address(struct arena *memory, const struct texts *addresses, const char *text,
			    struct bytes *warning)
{
	struct sockaddr_storage address;
	socklen_t length;
	const char *other;
	struct error err;
	int reason;

	if (unix_socket_path(text) || socket_address_parse(text, &address, &length, &err) < 0 ||
	    !is_ipv6_wildcard(&address) || (reason = probe_ipv6()) == 0)
		return text;
	other = has_twin(addresses, &address)
			? NULL
			: arena_printf(memory, "0.0.0.0%s", strrchr(text, ':'));
	if (!warning->size)
		bytes_add_format(warning, "IPv6 is not available (%s): ", strerror(reason));
	else
		bytes_add_text(warning, ", ");
	if (other)
		bytes_add_format(warning, "listening on %s instead of %s", other, text);
	else
		bytes_add_format(warning, "%s is left out", text);
	return other;
}
