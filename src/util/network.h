#pragma once

/* Networks of clients, as an admin lists them: "192.0.2.0/24 2001:db8::/32 198.51.100.7". */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct arena;
struct error;

/* How much of a client's address is its network: one household or site, as far as that can be told.
 */
struct client_bits {
	unsigned ipv4, ipv6; /* 1 to 32, 1 to 128 */
};

/* An IPv4 address for itself; of IPv6 what one link has, whose hosts make up the rest themselves
 * (RFC 4291 2.5.1). */
#define CLIENT_BITS_DEFAULT ((struct client_bits){ 32, 64 })

struct client_network {
	uint8_t address[16]; /* zeros after the bits; IPv4 as IPv6 has it */
	uint8_t bits;	     /* of the 128; 0 where the client has no address */
};

struct client_network network_of_client(const struct sockaddr *address,
					const struct client_bits *bits);

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/64". Lives in memory. */
const char *client_network_text(struct arena *memory, const struct client_network *network);

/* The IPv4 or IPv6 address, with port 0; in memory. NULL where the text is none. */
const struct sockaddr *ip_address_parse(struct arena *memory, const char *text);

/* Whether the text is a list of one or more networks, separated by blanks, without bits beyond
 * their length. Returns 0, or -1 with err set to a sentence that quotes the wrong one. */
int networks_check(struct arena *memory, const char *list, struct error *err);

/* Whether one of the networks has the address; an IPv4 address that came over IPv6
 * (::ffff:192.0.2.1) counts as what it is. */
bool networks_contain(struct arena *memory, const char *list, const struct sockaddr *address);
