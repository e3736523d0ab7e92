#include "acme/ours.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "dns/resolver.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"

DEFINE_CLEANUP(struct ifaddrs *, freeifaddrs);

static bool is_ours(const struct ours *ours, const char *address)
{
	for (size_t i = 0; i < ours->count; i++)
		if (text_equals(ours->addresses[i], address))
			return true;
	return false;
}

static void add(struct arena *memory, struct ours *ours, const char *address)
{
	const char **addresses;

	if (is_ours(ours, address))
		return;
	addresses = arena_array(memory, const char *, ours->count + 1);
	if (ours->count)
		memcpy(addresses, ours->addresses, ours->count * sizeof(*addresses));
	addresses[ours->count++] = arena_strdup(memory, address);
	ours->addresses = addresses;
}

static int add_given(struct arena *memory, const char *given, struct ours *ours, struct error *err)
{
	char *rest = arena_strdup(memory, given), *word;

	while ((word = strsep(&rest, ","))) {
		unsigned char binary[sizeof(struct in6_addr)];
		char text[INET6_ADDRSTRLEN];
		int family = strchr(word, ':') ? AF_INET6 : AF_INET;

		if (inet_pton(family, word, binary) != 1)
			return error_set(err, ERROR_USAGE,
					 "'%s' is not an address; write IP addresses with commas "
					 "between them, as in 192.0.2.10,2001:db8::10",
					 word);
		add(memory, ours, inet_ntop(family, binary, text, sizeof(text)));
	}
	return 0;
}

static bool is_reachable(const struct sockaddr *address)
{
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

	if (address->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
	return address->sa_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(v6) &&
	       !IN6_IS_ADDR_LINKLOCAL(v6);
}

static void add_of_machine(struct arena *memory, struct ours *ours)
{
	_cleanup_(freeifaddrsp) struct ifaddrs *interfaces = NULL;

	if (getifaddrs(&interfaces) < 0)
		return;
	for (struct ifaddrs *at = interfaces; at; at = at->ifa_next) {
		const struct sockaddr *address = at->ifa_addr;
		char text[INET6_ADDRSTRLEN];
		const void *binary;

		if (!address || !is_reachable(address))
			continue;
		binary = address->sa_family == AF_INET
				 ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
				 : &((const struct sockaddr_in6 *)address)->sin6_addr;
		add(memory, ours, inet_ntop(address->sa_family, binary, text, sizeof(text)));
	}
}

static void add_of_name(struct arena *memory, struct resolver *resolver, const char *name,
			struct ours *ours)
{
	struct dns_question questions[] = {
		{ .name = name, .type = DNS_A },
		{ .name = name, .type = DNS_AAAA },
	};

	resolver_ask(resolver, memory, questions, 2);
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < questions[i].answer.count; j++)
			add(memory, ours, questions[i].answer.records[j].text);
}

int ours_find(struct arena *memory, struct resolver *resolver, const char *given,
	      const char *public_name, struct ours *ret_ours, struct error *err)
{
	struct ours ours = { 0 };

	if (given) {
		if (add_given(memory, given, &ours, err) < 0)
			return -1;
	} else {
		add_of_machine(memory, &ours);
		if (*public_name)
			add_of_name(memory, resolver, public_name, &ours);
	}
	*ret_ours = ours;
	return 0;
}

static void judge(struct arena *memory, const struct ours *ours,
		  const struct dns_question questions[2], struct name_place *place)
{
	size_t count = questions[0].answer.count + questions[1].answer.count;

	for (size_t i = 0; i < 2; i++) {
		const struct dns_answer *answer = &questions[i].answer;

		if (answer->outcome == DNS_FAILED) {
			place->where = UNKNOWN;
			place->reason = arena_printf(memory, "DNS gives no answer: %s",
						     answer->failure);
			return;
		}
		for (size_t j = 0; j < answer->count; j++) {
			if (is_ours(ours, answer->records[j].text))
				continue;
			place->where = ELSEWHERE;
			place->reason = arena_printf(memory,
						     "has the address %s in DNS, which is "
						     "not one of this server",
						     answer->records[j].text);
			return;
		}
	}
	place->where = count ? HERE : NOWHERE;
	place->reason = count ? NULL : "has no address in DNS";
}

void ours_locate(struct arena *memory, struct resolver *resolver, const struct ours *ours,
		 struct name_place *places, size_t count)
{
	struct dns_question *questions = arena_array(memory, struct dns_question, 2 * count);

	for (size_t i = 0; i < count; i++) {
		questions[2 * i] = (struct dns_question){ places[i].name, DNS_A, { 0 } };
		questions[2 * i + 1] = (struct dns_question){ places[i].name, DNS_AAAA, { 0 } };
	}
	resolver_ask(resolver, memory, questions, 2 * count);
	for (size_t i = 0; i < count; i++)
		judge(memory, ours, &questions[2 * i], &places[i]);
}
