/*
 * Preloaded, it is a kernel without IPv6: where NO_IPV6 is "socket", as with the boot option
 * ipv6.disable=1; where it is "bind", as with addresses switched off (disable_ipv6).
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* glibc declares the addresses as a union of pointers. */
int socket(int family, int type, int protocol);
int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t length);

static int is_mode(const char *name)
{
	const char *mode = getenv("NO_IPV6");

	return mode && strcmp(mode, name) == 0;
}

int socket(int family, int type, int protocol)
{
	int (*original)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");

	if (family == AF_INET6 && is_mode("socket")) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return original(family, type, protocol);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
	int (*original)(int, const struct sockaddr *, socklen_t) =
		(int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");

	if (address.__sockaddr__->sa_family == AF_INET6 && is_mode("bind")) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	return original(fd, address.__sockaddr__, length);
}
