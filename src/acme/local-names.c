#include "acme/local-names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "dns/resolver.h"
#include "mail/address.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"

DEFINE_CLEANUP(struct ifaddrs *, freeifaddrs);

bool ours_have(const struct ours *ours, const char *address)
{
	for (size_t i = 0; i < ours->count; i++)
		if (text_equals(ours->addresses[i], address))
			return true;
	return false;
}

static void add(struct arena *memory, struct ours *ours, const char *address)
{
	const char **addresses;

	if (ours_have(ours, address))
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

static int add_of_machine(struct arena *memory, struct ours *ours, struct error *err)
{
	_cleanup_(freeifaddrsp) struct ifaddrs *interfaces = NULL;

	if (getifaddrs(&interfaces) < 0)
		return error_set(err, ERROR_SYSTEM,
				 "cannot list the addresses of this server: %s; name them with "
				 "--address",
				 strerror(errno));
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
	return 0;
}

static void add_of_name(struct arena *memory, struct resolver *resolver, const char *name,
			struct ours *ours)
{
	struct dns_question questions[] = {
		{ .name = name, .type = DNS_A },
		{ .name = name, .type = DNS_AAAA },
	};

	resolver_ask(resolver, memory, questions, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct dns_answer *answer = &questions[i].answer;

		if (answer->outcome == DNS_FAILED)
			ours->doubt = arena_printf(memory, "DNS gives no answer for public-name %s",
						   name);
		for (size_t j = 0; j < answer->count; j++)
			add(memory, ours, answer->records[j].text);
	}
}

int ours_find(struct arena *memory, struct resolver *resolver, const char *given,
	      const char *public_name, struct ours *ret_ours, struct error *err)
{
	struct ours ours = { 0 };

	if (given) {
		if (add_given(memory, given, &ours, err) < 0)
			return -1;
	} else {
		if (add_of_machine(memory, &ours, err) < 0)
			return -1;
		if (*public_name)
			add_of_name(memory, resolver, public_name, &ours);
		if (!ours.count && !ours.doubt)
			ours.doubt = "no network interface has an address";
	}
	*ret_ours = ours;
	return 0;
}

/* "example.org" of "autoconfig.example.org"; "" for a top-level domain. */
static const char *parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : "";
}

static const char *explain_stranger(struct arena *memory, const struct name_place *place,
				    bool has_wildcard)
{
	const char *first;

	if (has_wildcard)
		first = arena_printf(memory, "has no record of its own, *.%s answers with %s",
				     parent_of(place->name), place->stranger);
	else
		first = arena_printf(memory, "resolves to %s", place->stranger);
	if (place->response)
		return arena_printf(memory, "%s, where another web server answers on port 80 (%s)",
				    first, place->response);
	return arena_printf(memory, "%s, which is not an address of this server", first);
}

void ours_note_stranger(struct arena *memory, struct name_place *place, const char *address,
			const char *response)
{
	place->where = ELSEWHERE;
	place->stranger = address;
	place->response = response;
	place->reason = explain_stranger(memory, place, false);
}

/* Whether a name beside this one, which nobody has registered, has the same address: then a
 * wildcard record answers for both. */
static bool is_of_wildcard(struct arena *memory, struct resolver *resolver,
			   const struct name_place *place)
{
	struct dns_question question = {
		.type = strchr(place->stranger, ':') ? DNS_AAAA : DNS_A,
	};
	unsigned long long noise = 0;

	if (!strchr(parent_of(place->name), '.') ||
	    getrandom(&noise, sizeof(noise), 0) != (ssize_t)sizeof(noise))
		return false;
	question.name = arena_printf(memory, "mailconfd-%016llx.%s", noise, parent_of(place->name));
	resolver_ask(resolver, memory, &question, 1);
	for (size_t i = 0; i < question.answer.count; i++)
		if (text_equals(question.answer.records[i].text, place->stranger))
			return true;
	return false;
}

void ours_find_wildcards(struct arena *memory, struct resolver *resolver, struct name_place *places,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (places[i].where == ELSEWHERE && is_of_wildcard(memory, resolver, &places[i]))
			places[i].reason = explain_stranger(memory, &places[i], true);
}

static void keep_addresses(struct arena *memory, const struct dns_question questions[2],
			   struct name_place *place)
{
	place->addresses = arena_array(memory, const char *,
				       questions[0].answer.count + questions[1].answer.count + 1);
	place->n_addresses = 0;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < questions[i].answer.count; j++)
			place->addresses[place->n_addresses++] =
				questions[i].answer.records[j].text;
}

static void judge(struct arena *memory, const struct ours *ours,
		  const struct dns_question questions[2], struct name_place *place)
{
	keep_addresses(memory, questions, place);
	place->stranger = place->response = place->reason = NULL;
	if (domain_is_pattern(place->name)) {
		place->where = HERE;
		return;
	}
	for (size_t i = 0; i < place->n_addresses && !place->stranger; i++)
		if (!ours_have(ours, place->addresses[i]))
			place->stranger = place->addresses[i];
	if (place->stranger && !ours->doubt) {
		place->where = ELSEWHERE;
		place->reason = explain_stranger(memory, place, false);
		return;
	}
	place->where = UNKNOWN;
	for (size_t i = 0; i < 2; i++)
		if (questions[i].answer.outcome == DNS_FAILED)
			place->reason = arena_printf(memory, "cannot be looked up: %s",
						     questions[i].answer.failure);
	if (place->reason)
		return;
	if (place->stranger) {
		place->reason = arena_printf(
			memory, "resolves to %s, which may be an address of this server: %s",
			place->stranger, ours->doubt);
		return;
	}
	place->where = place->n_addresses ? HERE : NOWHERE;
	place->reason = place->n_addresses ? NULL : "has no address in DNS";
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
