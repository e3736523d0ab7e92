#include "http/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "protocol/request.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/network.h"

/* More proxies than this stand in no row. */
#define PROXIES_MAX 32

/* Longer than any address with brackets, zone and port. */
#define ADDRESS_TEXT_MAX 80

static const struct sockaddr_in6 unknown_client = { .sin6_family = AF_INET6 };

/*
 * Takes the last part that is not empty off the list.
 *
 * 192.0.2.1, 198.51.100.7 , 2001:db8::1
 *                           ^start     ^*end; afterwards it is where the comma stands
 */
static const char *last_part(struct arena *memory, const char *list, size_t *end)
{
	while (*end > 0) {
		size_t start, length;

		for (start = *end; start > 0 && list[start - 1] != ','; start--)
			;
		length = *end - start;
		*end = start > 0 ? start - 1 : 0;
		for (; length > 0 && char_is_blank(list[start]); length--)
			start++;
		while (length > 0 && char_is_blank(list[start + length - 1]))
			length--;
		if (length > 0)
			return arena_strndup(memory, list + start, length);
	}
	return NULL;
}

/* A zone tells of an interface of the proxy, and nothing of the client. */
static bool parse_ipv6(struct arena *memory, const char *text, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

	text = arena_strndup(memory, text, strcspn(text, "%"));
	if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) != 1)
		return false;
	memcpy(ret_address, &ipv6, sizeof(ipv6));
	return true;
}

static bool parse_ipv4(const char *text, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &ipv4.sin_addr) != 1)
		return false;
	memcpy(ret_address, &ipv4, sizeof(ipv4));
	return true;
}

static bool is_port(const char *text)
{
	unsigned long number;

	return text[0] == ':' && number_parse(text + 1, 0, UINT16_MAX, &number);
}

/*
 * 192.0.2.1   192.0.2.1:4711   2001:db8::1   fe80::1%eth0   [2001:db8::1]   [2001:db8::1]:4711
 */
static bool parse_address(struct arena *memory, const char *text,
			  struct sockaddr_storage *ret_address)
{
	const char *colon = strchr(text, ':'), *bracket = strchr(text, ']');

	if (strlen(text) > ADDRESS_TEXT_MAX)
		return false;
	if (text[0] == '[')
		return bracket && (!bracket[1] || is_port(bracket + 1)) &&
		       parse_ipv6(memory,
				  arena_strndup(memory, text + 1, (size_t)(bracket - text) - 1),
				  ret_address);
	if (colon && !strchr(colon + 1, ':'))
		return is_port(colon) &&
		       parse_ipv4(arena_strndup(memory, text, (size_t)(colon - text)), ret_address);
	return parse_ipv4(text, ret_address) || parse_ipv6(memory, text, ret_address);
}

static const struct sockaddr *client_of(struct arena *memory, const char *trusted_networks,
					const char *list)
{
	struct sockaddr_storage *address = arena_new(memory, struct sockaddr_storage);
	const struct sockaddr *client = (const struct sockaddr *)&unknown_client;
	size_t end = strlen(list);
	const char *part;

	for (int i = 0; (part = last_part(memory, list, &end)); i++) {
		if (i == PROXIES_MAX || !parse_address(memory, part, address))
			return (const struct sockaddr *)&unknown_client;
		client = (const struct sockaddr *)address;
		if (!networks_contain(memory, trusted_networks, client))
			break;
	}
	return client;
}

void forwarded_apply(struct arena *memory, const char *trusted_networks,
		     const struct forwarded *forwarded, struct request *request)
{
	const char *host;
	size_t end;

	if (request->client->sa_family != AF_UNIX &&
	    !networks_contain(memory, trusted_networks, request->client))
		return;
	request->client = client_of(memory, trusted_networks,
				    forwarded->addresses ? forwarded->addresses : "");
	if (!forwarded->hosts)
		return;
	end = strlen(forwarded->hosts);
	host = last_part(memory, forwarded->hosts, &end);
	if (host)
		request->host = host;
}
