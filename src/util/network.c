#include "util/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "util/log.h"
#include "util/socket-address.h"

#define MAPPED_BITS 96 /* of an IPv4 address as IPv6 has it */

static bool parse_ip(const char *text, struct sockaddr_storage *ret_address)
{
	struct in6_addr bytes;
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, &bytes) != 1)
		return false;
	*ret_address = socket_address_of(family, &bytes, 0);
	return true;
}

const struct sockaddr *ip_address_parse(struct arena *memory, const char *text)
{
	struct sockaddr_storage *address = arena_new(memory, struct sockaddr_storage);

	return parse_ip(text, address) ? (const struct sockaddr *)address : NULL;
}

/* What the address begins with. */
static struct client_network network_at(const uint8_t address[16], unsigned bits)
{
	struct client_network network = { .bits = (uint8_t)bits };

	memcpy(network.address, address, bits / 8);
	if (bits % 8)
		network.address[bits / 8] = address[bits / 8] & (uint8_t)(0xff00 >> bits % 8);
	return network;
}

static bool is_within(const uint8_t address[16], const struct client_network *network)
{
	struct client_network own = network_at(address, network->bits);

	return memcmp(own.address, network->address, sizeof(own.address)) == 0;
}

/* 2001:db8::/32. Returns false for others, and where bits are set beyond that many. */
static bool network_parse(struct arena *memory, const char *text,
			  struct client_network *ret_network)
{
	const char *slash = strchr(text, '/');
	struct sockaddr_storage address;
	unsigned long bits = 128;
	uint8_t bytes[16];
	bool is_ipv4;

	if (!parse_ip(slash ? arena_strndup(memory, text, (size_t)(slash - text)) : text, &address))
		return false;
	is_ipv4 = address.ss_family == AF_INET;
	if (slash && !number_parse(slash + 1, 0, is_ipv4 ? 32 : 128, &bits))
		return false;
	socket_address_bytes((const struct sockaddr *)&address, bytes);
	*ret_network = network_at(bytes, (unsigned)bits + (slash && is_ipv4 ? MAPPED_BITS : 0));
	return memcmp(bytes, ret_network->address, sizeof(bytes)) == 0;
}

static const char *next_word(struct arena *memory, const char **list)
{
	const char *start = *list + strspn(*list, " \t");
	size_t length = strcspn(start, " \t");

	*list = start + length;
	return length ? arena_strndup(memory, start, length) : NULL;
}

int networks_check(struct arena *memory, const char *list, struct error *err)
{
	struct client_network network;
	const char *word;
	size_t count = 0;

	for (; (word = next_word(memory, &list)); count++)
		if (!network_parse(memory, word, &network)) {
			error_set(err, ERROR_INPUT, "%s is not a network", log_quote(memory, word));
			return error_hint(err, "write ADDRESS/BITS, with no bits set after that "
					       "many, as in 192.0.2.0/24 or 2001:db8::/32");
		}
	if (count == 0)
		return error_set(err, ERROR_INPUT, "a list of networks must not be empty");
	return 0;
}

bool networks_contain(struct arena *memory, const char *list, const struct sockaddr *address)
{
	struct client_network network;
	uint8_t bytes[16];
	const char *word;

	if (!socket_address_bytes(address, bytes))
		return false;
	while ((word = next_word(memory, &list)))
		if (network_parse(memory, word, &network) && is_within(bytes, &network))
			return true;
	return false;
}

static bool is_mapped_ipv4(const uint8_t address[16])
{
	static const uint8_t prefix[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

struct client_networks networks_of_client(const struct sockaddr *address)
{
	static const struct level {
		unsigned bits, factor;
	} ipv6[CLIENT_NETWORKS_MAX] = { { 64, 1 }, { 56, 2 }, { 48, 4 }, { 32, 16 } },
	  ipv4[] = { { MAPPED_BITS + 32, 1 }, { MAPPED_BITS + 24, 4 } };
	struct client_networks networks = { .count = 1, .items = { { .factor = 1 } } };
	const struct level *levels = ipv6;
	uint8_t bytes[16];

	if (!socket_address_bytes(address, bytes))
		return networks;
	networks.count = CLIENT_NETWORKS_MAX;
	if (is_mapped_ipv4(bytes)) {
		levels = ipv4;
		networks.count = sizeof(ipv4) / sizeof(*ipv4);
	}
	for (size_t i = 0; i < networks.count; i++) {
		networks.items[i].network = network_at(bytes, levels[i].bits);
		networks.items[i].factor = levels[i].factor;
	}
	return networks;
}

struct client_network network_of_client(const struct sockaddr *address)
{
	return networks_of_client(address).items[0].network;
}

const char *client_network_text(struct arena *memory, const struct client_network *network)
{
	bool is_ipv4 = network->bits > MAPPED_BITS && is_mapped_ipv4(network->address);
	unsigned bits = network->bits - (is_ipv4 ? MAPPED_BITS : 0);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(is_ipv4 ? AF_INET : AF_INET6, network->address + (is_ipv4 ? 12 : 0), text,
		  sizeof(text));
	if (bits == (is_ipv4 ? 32 : 128))
		return arena_strdup(memory, text);
	return arena_printf(memory, "%s/%u", text, bits);
}
