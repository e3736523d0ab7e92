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

static bool is_port(const char *text)
{
	unsigned long number;

	return text[0] == ':' && number_parse(text + 1, 0, UINT16_MAX, &number);
}

/* Who writes a port after an IPv6 address writes brackets. */
static const char *without_port(struct arena *memory, const char *text)
{
	const char *colon = strrchr(text, ':');

	if (!colon || !is_port(colon) || (text[0] != '[' && strchr(text, ':') != colon) ||
	    (text[0] == '[' && colon[-1] != ']'))
		return text;
	return arena_strndup(memory, text, (size_t)(colon - text));
}

/*
 * 192.0.2.1   192.0.2.1:4711   2001:db8::1   fe80::1%eth0   [2001:db8::1]   [2001:db8::1]:4711
 *
 * A zone tells of an interface of the proxy, and nothing of the client.
 */
static const struct sockaddr *parse_address(struct arena *memory, const char *text)
{
	size_t length;

	if (strlen(text) > ADDRESS_TEXT_MAX)
		return NULL;
	text = without_port(memory, text);
	length = strlen(text);
	if (text[0] == '[' && text[length - 1] == ']')
		text = arena_strndup(memory, text + 1, length - 2);
	if (strchr(text, ':'))
		text = arena_strndup(memory, text, strcspn(text, "%"));
	return ip_address_parse(memory, text);
}

static const struct sockaddr *client_of(struct arena *memory, const char *trusted_networks,
					const char *list)
{
	const struct sockaddr *unknown = (const struct sockaddr *)&unknown_client;
	const struct sockaddr *client = unknown;
	size_t end = strlen(list);
	const char *part;

	for (int i = 0; (part = last_part(memory, list, &end)); i++) {
		client = i < PROXIES_MAX ? parse_address(memory, part) : NULL;
		if (!client)
			return unknown;
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

/* All values of the field, in their order, with commas between. NULL where there is none. */
static const char *field_values(struct arena *memory, struct MHD_Connection *connection,
				const char *name)
{
	struct bytes values = BYTES_IN(memory);
	struct gathering gathering = { &values, name };

	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, add_field_value, &gathering);
	return values.size > 0 ? bytes_text(&values) : NULL;
}

struct forwarded forwarded_read(struct arena *memory, struct MHD_Connection *connection)
{
	return (struct forwarded){
		.addresses = field_values(memory, connection, "X-Forwarded-For"),
		.hosts = field_values(memory, connection, "X-Forwarded-Host"),
	};
}
