#pragma once

/* Networks of clients, as an admin lists them: "192.0.2.0/24 2001:db8::/32 198.51.100.7". */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct arena;
struct error;

/* The network that a client counts as, being one household or site as far as an address tells: the
 * IPv4 address itself, or the first 64 bits of an IPv6 address. */
struct client_network {
	uint8_t address[16];
};

struct client_network network_of_client(const struct sockaddr *address);

/* "192.0.2.1", "2001:db8::/64". Lives in memory. */
const char *client_network_text(struct arena *memory, const struct client_network *network);

/* The IPv4 or IPv6 address, with port 0; in memory. NULL where the text is none. */
const struct sockaddr *ip_address_parse(struct arena *memory, const char *text);

/* Whether the text is a list of one or more networks, separated by blanks, without bits beyond
 * their length. Returns 0, or -1 with err set to a sentence that quotes the wrong one. */
int networks_check(struct arena *memory, const char *list, struct error *err);

/* Whether one of the networks has the address; an IPv4 address that came over IPv6
 * (::ffff:192.0.2.1) counts as what it is. */
bool networks_contain(struct arena *memory, const char *list, const struct sockaddr *address);
