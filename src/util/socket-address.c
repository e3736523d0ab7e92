#include "util/socket-address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "util/log.h"

/* Whatever a port, alone or after a '*' or nothing, was meant to be: every address of this host. */
#define ANY_ADDRESS "for all addresses of this host write [::]:PORT, for IPv4 alone 0.0.0.0:PORT"

static int reject_address_text(const char *text, const char *reason, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	return error_set(err, ERROR_INPUT, "%s is not ADDRESS:PORT: %s", log_quote(&memory, text),
			 reason);
}

struct sockaddr_storage socket_address_of(int family, const void *bytes, uint16_t port)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_storage address = { 0 };

	if (family == AF_INET6) {
		memcpy(&ipv6.sin6_addr, bytes, sizeof(ipv6.sin6_addr));
		memcpy(&address, &ipv6, sizeof(ipv6));
	} else {
		memcpy(&ipv4.sin_addr, bytes, sizeof(ipv4.sin_addr));
		memcpy(&address, &ipv4, sizeof(ipv4));
	}
	return address;
}

/*
 * [2001:db8::1]:443
 *  ^address     ^port
 */
int socket_address_parse(const char *text, struct sockaddr_storage *ret_address, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']'), *address;
	struct in6_addr bytes;
	bool is_ipv6;
	unsigned long port;
	size_t length;

	if (number_parse(text, 0, UINT16_MAX, &port))
		return reject_address_text(text, "it has no address; " ANY_ADDRESS, err);
	if (!colon || bracket > colon)
		return reject_address_text(
			text, "it has no port, as in 192.0.2.1:443 or [2001:db8::1]:443", err);
	if (!number_parse(colon + 1, 1, UINT16_MAX, &port))
		return reject_address_text(text, "its port is not a number from 1 to 65535", err);

	length = (size_t)(colon - text);
	if (length == 0 || (length == 1 && text[0] == '*'))
		return reject_address_text(text, ANY_ADDRESS, err);
	is_ipv6 = text[0] == '[' && colon[-1] == ']';
	address = is_ipv6 ? arena_strndup(&memory, text + 1, length - 2)
			  : arena_strndup(&memory, text, length);
	if (!is_ipv6 && strchr(address, ':'))
		return reject_address_text(
			text, "an IPv6 address must be in brackets, as in [2001:db8::1]:443", err);
	if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, address, &bytes) != 1)
		return reject_address_text(
			text,
			is_ipv6 ? "in the brackets belongs an IPv6 address, as in "
				  "[2001:db8::1]:443"
				: "write the IP address itself, as in 192.0.2.1:443",
			err);
	*ret_address = socket_address_of(is_ipv6 ? AF_INET6 : AF_INET, &bytes, (uint16_t)port);
	return 0;
}

const char *socket_address_text(struct arena *memory, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
	char text[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET &&
	    inet_ntop(AF_INET, &ipv4->sin_addr, text, sizeof(text)))
		return arena_printf(memory, "%s:%u", text, ntohs(ipv4->sin_port));
	if (address->ss_family == AF_INET6 &&
	    inet_ntop(AF_INET6, &ipv6->sin6_addr, text, sizeof(text)))
		return arena_printf(memory, "[%s]:%u", text, ntohs(ipv6->sin6_port));
	return NULL;
}

/* sin_port and sin6_port lie at the same place. */
static in_port_t port_of(const struct sockaddr_storage *address)
{
	return ((const struct sockaddr_in *)address)->sin_port;
}

/* The address alone, as its IPv6 form has it. */
static struct in6_addr address_of(const struct sockaddr_storage *address)
{
	struct in6_addr bytes = { 0 };

	socket_address_bytes((const struct sockaddr *)address, bytes.s6_addr);
	return bytes;
}

bool socket_address_bytes(const struct sockaddr *address, uint8_t ret_bytes[16])
{
	struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (address->sa_family == AF_INET) {
		mapped.s6_addr32[3] = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
		memcpy(ret_bytes, &mapped, sizeof(mapped));
		return true;
	}
	if (address->sa_family == AF_INET6)
		memcpy(ret_bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	return address->sa_family == AF_INET6;
}

static bool is_any(const struct sockaddr_storage *address)
{
	struct in6_addr bare = address_of(address);

	return IN6_IS_ADDR_UNSPECIFIED(&bare) ||
	       (IN6_IS_ADDR_V4MAPPED(&bare) && bare.s6_addr32[3] == 0);
}

bool socket_address_equals(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct in6_addr bare_a = address_of(a), bare_b = address_of(b);

	return port_of(a) == port_of(b) && IN6_ARE_ADDR_EQUAL(&bare_a, &bare_b);
}

bool socket_address_overlaps(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return socket_address_equals(a, b) || (port_of(a) == port_of(b) && is_any(a) && is_any(b));
}

bool socket_address_excludes(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return socket_address_equals(a, b) ||
	       (port_of(a) == port_of(b) && (is_any(a) || is_any(b)));
}

socklen_t socket_address_length(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

size_t socket_address_ways(const struct sockaddr_storage *listening,
			   struct sockaddr_storage ret_ways[SOCKET_ADDRESS_WAYS_MAX])
{
	const struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port = ntohs(port_of(listening));
	size_t count = 0;

	ret_ways[0] = *listening;
	if (!is_any(listening))
		return 1;
	if (listening->ss_family == AF_INET6)
		ret_ways[count++] = socket_address_of(AF_INET6, &in6addr_loopback, port);
	ret_ways[count++] = socket_address_of(AF_INET, &loopback, port);
	return count;
}

bool socket_address_is_loopback(const struct sockaddr_storage *address)
{
	struct in6_addr bare = address_of(address);

	return IN6_IS_ADDR_LOOPBACK(&bare) ||
	       (IN6_IS_ADDR_V4MAPPED(&bare) && bare.s6_addr[12] == 127);
}
