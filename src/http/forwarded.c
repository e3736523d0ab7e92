#include "http/forwarded.h"

#include <microhttpd.h>
#include <netinet/in.h>

#include "protocol/request.h"
#include "util/network.h"

/* No request passes more proxies. */
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

/*
 * 192.0.2.1   192.0.2.1:4711   2001:db8::1   fe80::1%eth0   [2001:db8::1]   [2001:db8::1]:4711
 *
 * A port after an IPv6 address needs brackets. A zone names an interface of the proxy, so it is
 * dropped.
 */
static const struct sockaddr *parse_address(struct arena *memory, const char *text)
{
	const char *colon = strrchr(text, ':');
	unsigned long port;
	size_t length;

	if (strlen(text) > ADDRESS_TEXT_MAX)
		return NULL;
	if (colon && number_parse(colon + 1, 0, UINT16_MAX, &port) &&
	    (text[0] == '[' ? colon[-1] == ']' : strchr(text, ':') == colon))
		text = arena_strndup(memory, text, (size_t)(colon - text));
	length = strlen(text);
	if (text[0] == '[' && text[length - 1] == ']')
		text = arena_strndup(memory, text + 1, length - 2);
	if (strchr(text, ':'))
		text = arena_strndup(memory, text, strcspn(text, "%"));
	return ip_address_parse(memory, text);
}

void forwarded_apply(struct arena *memory, const char *trusted_networks, const char *addresses,
		     const char *hosts, struct request *request)
{
	size_t end = addresses ? strlen(addresses) : 0;
	const char *part;

	if (request->client->sa_family != AF_UNIX &&
	    !networks_contain(memory, trusted_networks, request->client))
		return;
	request->client = (const struct sockaddr *)&unknown_client;
	for (int i = 0; (part = last_part(memory, addresses, &end)); i++) {
		const struct sockaddr *client = i < PROXIES_MAX ? parse_address(memory, part)
								: NULL;

		request->client = client ?: (const struct sockaddr *)&unknown_client;
		if (!client || !networks_contain(memory, trusted_networks, client))
			break;
	}
	end = hosts ? strlen(hosts) : 0;
	request->host = last_part(memory, hosts, &end) ?: request->host;
}

struct gathering {
	struct bytes *values;
	const char *name;
};

static enum MHD_Result add_field_value(void *context, enum MHD_ValueKind kind, const char *name,
				       const char *value)
{
	const struct gathering *gathering = context;

	if (value && text_equals_ignoring_case(name, gathering->name)) {
		if (gathering->values->size > 0)
			bytes_add_char(gathering->values, ',');
		bytes_add_text(gathering->values, value);
	}
	return MHD_YES;
}

const char *forwarded_values(struct arena *memory, struct MHD_Connection *connection,
			     const char *name)
{
	struct bytes values = BYTES_IN(memory);
	struct gathering gathering = { &values, name };

	MHD_get_connection_values(connection, MHD_HEADER_KIND, add_field_value, &gathering);
	return values.size > 0 ? bytes_text(&values) : NULL;
}
