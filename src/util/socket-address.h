#pragma once

/* Socket addresses as an operator writes them: 192.0.2.1:443, [2001:db8::1]:443, [::]:443. */

#include <sys/socket.h>

#include "util/base.h"

/* Parses ADDRESS:PORT with an IPv4 address, or [ADDRESS]:PORT with an IPv6 address; names and
 * scopes are refused. Returns 0, or -1 with err set to a sentence that quotes the text. */
int socket_address_parse(const char *text, struct sockaddr_storage *ret_address, struct error *err);

/* From a struct in_addr (AF_INET) or in6_addr (AF_INET6). */
struct sockaddr_storage socket_address_of(int family, const void *bytes, uint16_t port);

/* The IP address alone, for IPv4 as IPv6 has it (RFC 4291 2.5.5.2), so that there is one kind.
 * Returns whether it is an address of either kind. */
bool socket_address_bytes(const struct sockaddr *address, uint8_t ret_bytes[16]);

/* The address as socket_address_parse() takes it, in memory. NULL where it is neither IPv4 nor
 * IPv6.
 */
const char *socket_address_text(struct arena *memory, const struct sockaddr_storage *address);

/* Whether both are the same address and port. */
bool socket_address_equals(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* Whether a connection could arrive at either: they are equal, or are [::] and 0.0.0.0 with the
 * same port, for [::] takes IPv4 connections too. */
bool socket_address_overlaps(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* Whether not both can be listened on: they have the same port, and the same address or a wildcard.
 */
bool socket_address_excludes(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* The addresses at which this host can connect to a socket that listens at the given one: a
 * wildcard is replaced by the loopback address, [::] by ::1 and then 127.0.0.1. Returns how many
 * there are. */
#define SOCKET_ADDRESS_WAYS_MAX 2
size_t socket_address_ways(const struct sockaddr_storage *listening,
			   struct sockaddr_storage ret_ways[SOCKET_ADDRESS_WAYS_MAX]);

/* What bind() and connect() want for its family. */
socklen_t socket_address_length(const struct sockaddr_storage *address);

/* Whether only this host can reach it: 127.0.0.0/8 or ::1. */
bool socket_address_is_loopback(const struct sockaddr_storage *address);
