#include "doctor/host.h"

#include "doctor/stream.h"
#include "doctor/memo.h"
#include "util/clock.h"
#include "util/socket-address.h"

bool port_parse(const char *text, uint16_t *ret_port)
{
	unsigned long number;

	if (!text || !number_parse(text, 1, UINT16_MAX, &number))
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

struct host host_find(struct resolver *resolver, struct arena *memory, const char *name)
{
	struct dns_question questions[] = { { name, DNS_A }, { name, DNS_AAAA } };
	struct host host = { .name = name };

	resolver_ask(resolver, memory, questions, 2);
	for (int is_ipv6 = 0; is_ipv6 <= 1; is_ipv6++) {
		const struct dns_answer *answer = &questions[is_ipv6].answer;

		for (size_t i = 0; i < answer->count && host.n_addresses < HOST_ADDRESSES_MAX; i++)
			host.addresses[host.n_addresses++] =
				(struct host_address){ answer->records[i].text, is_ipv6 };
		host.alias = host.alias ?: answer->alias;
		host.failure = host.failure ?: answer->failure;
	}
	if (!host.n_addresses)
		host.outcome = host.failure ? DNS_FAILED : DNS_NOTHING;
	return host;
}

const char *host_addresses(struct arena *memory, const struct host *host)
{
	struct bytes list = BYTES_IN(memory);

	for (size_t i = 0; i < host->n_addresses; i++)
		bytes_add_format(&list, "%s%s", i ? ", " : "", host->addresses[i].text);
	return host->n_addresses ? bytes_text(&list) : "no address";
}

int host_connect_address(const struct world *world, const struct host_address *address,
			 uint16_t port, struct stream **ret_stream, struct error *err)
{
	static char yes;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *key = arena_printf(&memory, address->is_ipv6 ? "[%s]:%u" : "%s:%u",
				       address->text, port);
	const struct sockaddr *socket = address->socket;
	socklen_t length = address->socket_length;
	struct sockaddr_storage parsed;
	int r;

	if (memo_get(world->silent, key)) {
		error_set(err, ERROR_SYSTEM, "no answer in time");
		return STREAM_SILENT;
	}
	if (!socket) {
		if (socket_address_parse(key, &parsed, err) < 0)
			return -1;
		socket = (const struct sockaddr *)&parsed;
		length = socket_address_length(&parsed);
	}
	r = stream_open(socket, length, clock_now() + HOST_PATIENCE, ret_stream, err);
	if (r == STREAM_SILENT)
		memo_put(world->silent, key, &yes);
	return r;
}

int host_connect(const struct world *world, const struct host *host, uint16_t port,
		 struct stream **ret_stream, struct error *err)
{
	int r = error_set(err, ERROR_INPUT, "%s has no address", host->name);

	for (size_t i = 0; i < host->n_addresses; i++) {
		r = host_connect_address(world, &host->addresses[i], port, ret_stream, err);
		if (r == 0)
			return 0;
	}
	return r;
}
