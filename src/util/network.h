#pragma once

/* Networks of clients, as an admin lists them: "192.0.2.0/24 2001:db8::/32 198.51.100.7". */

#include <sys/socket.h>

#include "util/base.h"

struct client_network {
	uint8_t address[16]; /* zeros after the bits; IPv4 as IPv6 has it */
	uint8_t bits;	     /* of the 128; 0 where the client has no address */
};

/*
 * The networks that a client is in, the narrowest first, and how many times a limit applies to
 * each. A site can use every address of an IPv6 /64 (RFC 4291 2.5.1), is assigned a /56 or a /48
 * (RFC 6177), and a provider has a /32 or more. IPv4 addresses are bought one by one, or as a /24.
 */
#define CLIENT_NETWORKS_MAX 4
struct client_networks {
	size_t count; /* 1 for a client without address */
	struct {
		struct client_network network;
		unsigned factor;
	} items[CLIENT_NETWORKS_MAX];
};

/* IPv6: /64 once, /56 twice, /48 4 times, /32 16 times. IPv4: the address once, /24 4 times. */
struct client_networks networks_of_client(const struct sockaddr *address);

/* The narrowest. */
struct client_network network_of_client(const struct sockaddr *address);

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/64". Lives in memory. */
const char *client_network_text(struct arena *memory, const struct client_network *network);

/* The IPv4 or IPv6 address, with port 0; in memory. NULL where the text is none. */
const struct sockaddr *ip_address_parse(struct arena *memory, const char *text);

/* Whether the text is a list of one or more networks, separated by spaces, without bits beyond
 * their length. Returns 0, or -1 with err set to a sentence that quotes the wrong one. */
int networks_check(struct arena *memory, const char *list, struct error *err);

/* Whether one of the networks has the address; an IPv4 address that came over IPv6
 * (::ffff:192.0.2.1) counts as what it is. */
bool networks_contain(struct arena *memory, const char *list, const struct sockaddr *address);
