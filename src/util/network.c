#include "util/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "util/log.h"

/* IPv4 addresses are kept as IPv6 has them (RFC 4291 2.5.5.2), so that there is one kind. */
#define MAPPED_BITS 96

struct network {
	uint8_t address[16];
	unsigned bits;
};

const struct sockaddr *ip_address_parse(struct arena *memory, const char *text)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
	struct sockaddr_storage *address = arena_new(memory, struct sockaddr_storage);

	if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
		memcpy(address, &ipv4, sizeof(ipv4));
	else if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1)
		memcpy(address, &ipv6, sizeof(ipv6));
	else
		return NULL;
	return (const struct sockaddr *)address;
}

static void map_ipv4(uint8_t address[16], const void *ipv4)
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, ipv4, 4);
}

static bool has_bits_beyond(const struct network *network)
{
	for (unsigned bit = network->bits; bit < 128; bit++)
		if (network->address[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

/* 2001:db8::/32 */
static bool network_parse(struct arena *memory, const char *text, struct network *ret_network)
{
	const char *slash = strchr(text, '/');
	const char *address = slash ? arena_strndup(memory, text, (size_t)(slash - text)) : text;
	struct network network = { .bits = 128 };
	unsigned long bits;
	struct in_addr ipv4;
	bool is_ipv4 = inet_pton(AF_INET, address, &ipv4) == 1;

	if (is_ipv4)
		map_ipv4(network.address, &ipv4);
	else if (inet_pton(AF_INET6, address, network.address) != 1)
		return false;
	if (slash) {
		if (!number_parse(slash + 1, 0, is_ipv4 ? 32 : 128, &bits))
			return false;
		network.bits = (unsigned)bits + (is_ipv4 ? MAPPED_BITS : 0);
	}
	if (has_bits_beyond(&network))
		return false;
	*ret_network = network;
	return true;
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
	struct network network;
	const char *word;
	size_t count = 0;

	for (; (word = next_word(memory, &list)); count++)
		if (!network_parse(memory, word, &network))
			return error_set(
				err, ERROR_INPUT,
				"%s is not a network; write ADDRESS/BITS, with no bits set "
				"after that many, as in 192.0.2.0/24 or 2001:db8::/32",
				log_quote(memory, word));
	if (count == 0)
		return error_set(err, ERROR_INPUT, "a list of networks must not be empty");
	return 0;
}

static bool network_contains(const struct network *network, const uint8_t address[16])
{
	unsigned bytes = network->bits / 8, rest = network->bits % 8;

	if (memcmp(network->address, address, bytes) != 0)
		return false;
	return rest == 0 || (network->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

/* Returns whether it is an address of either kind. */
static bool address_bytes(const struct sockaddr *address, uint8_t ret_bytes[16])
{
	if (address->sa_family == AF_INET)
		map_ipv4(ret_bytes, &((const struct sockaddr_in *)address)->sin_addr);
	else if (address->sa_family == AF_INET6)
		memcpy(ret_bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	else
		return false;
	return true;
}

static bool is_mapped_ipv4(const uint8_t address[16])
{
	uint8_t mapped[16];

	map_ipv4(mapped, address + 12);
	return memcmp(mapped, address, sizeof(mapped)) == 0;
}

/* Of whole bytes. */
static struct client_network network_at(const uint8_t address[16], unsigned bits)
{
	struct client_network network = { .bits = (uint8_t)bits };

	memcpy(network.address, address, bits / 8);
	return network;
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

	if (!address_bytes(address, bytes))
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

bool networks_contain(struct arena *memory, const char *list, const struct sockaddr *address)
{
	uint8_t bytes[16];
	const char *word;

	if (!address_bytes(address, bytes))
		return false;
	while ((word = next_word(memory, &list))) {
		struct network network;

		if (network_parse(memory, word, &network) && network_contains(&network, bytes))
			return true;
	}
	return false;
}
