#include "acme/local-names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "dns/resolver.h"
#include "mail/address.h"

DEFINE_CLEANUP(struct ifaddrs *, freeifaddrs);

static void add_local_address(struct local_addresses *local, const char *address)
{
	if (!texts_has(&local->texts, address))
		texts_add(&local->texts, arena_strdup(local->texts.memory, address));
}

static int add_given_addresses(struct local_addresses *local, const char *given, struct error *err)
{
	char *rest = arena_strdup(local->texts.memory, given), *word;

	while ((word = strsep(&rest, ","))) {
		unsigned char binary[sizeof(struct in6_addr)];
		char text[INET6_ADDRSTRLEN];
		int family = strchr(word, ':') ? AF_INET6 : AF_INET;

		if (inet_pton(family, word, binary) != 1) {
			error_set(err, ERROR_USAGE, "'%s' is not an IP address", word);
			return error_hint(err, "write IP addresses with commas between them, as in "
					       "192.0.2.10,2001:db8::10");
		}
		add_local_address(local, inet_ntop(family, binary, text, sizeof(text)));
	}
	return 0;
}

static int add_interface_addresses(struct local_addresses *local, struct error *err)
{
	_cleanup_(freeifaddrsp) struct ifaddrs *interfaces = NULL;

	if (getifaddrs(&interfaces) < 0) {
		error_set(err, ERROR_SYSTEM, "cannot list the addresses of this server: %s",
			  strerror(errno));
		return error_hint(err, "name them with --address");
	}
	/* Those that are not reachable from outside are no use. */
	for (struct ifaddrs *at = interfaces; at; at = at->ifa_next) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at->ifa_addr;
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)at->ifa_addr;
		int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
		char text[INET6_ADDRSTRLEN];
		const void *binary = NULL;

		if (family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
			binary = &v4->sin_addr;
		else if (family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) &&
			 !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
			binary = &v6->sin6_addr;
		if (binary)
			add_local_address(local, inet_ntop(family, binary, text, sizeof(text)));
	}
	return 0;
}

int local_addresses_find(struct arena *memory, struct resolver *resolver, const char *given,
			 const char *public_name, struct local_addresses *ret_addresses,
			 struct error *err)
{
	struct local_addresses local = { .texts = TEXTS_IN(memory) };
	struct dns_question questions[] = {
		{ .name = public_name, .type = DNS_A },
		{ .name = public_name, .type = DNS_AAAA },
	};
	size_t n_questions = !given && *public_name ? 2 : 0;

	if ((given ? add_given_addresses(&local, given, err)
		   : add_interface_addresses(&local, err)) < 0)
		return -1;
	resolver_ask(resolver, memory, questions, n_questions);
	for (size_t i = 0; i < n_questions; i++) {
		const struct dns_answer *answer = &questions[i].answer;

		if (answer->outcome == DNS_FAILED)
			local.doubt = arena_printf(memory, "DNS gives no answer for public-name %s",
						   public_name);
		for (size_t j = 0; j < answer->count; j++)
			add_local_address(&local, answer->records[j].text);
	}
	if (!given && !local.texts.count && !local.doubt)
		local.doubt = "no network interface has an address";
	*ret_addresses = local;
	return 0;
}

/* "example.org" of "autoconfig.example.org"; "" for a top-level domain. */
static const char *parent_name(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : "";
}

static const char *describe_other_server(struct arena *memory, const struct name_place *place,
					 bool has_wildcard)
{
	const char *first;

	if (has_wildcard)
		first = arena_printf(memory, "has no record of its own, *.%s answers with %s",
				     parent_name(place->name), place->other_address);
	else
		first = arena_printf(memory, "resolves to %s", place->other_address);
	if (place->response)
		return arena_printf(memory, "%s, where another web server answers on port 80 (%s)",
				    first, place->response);
	return arena_printf(memory, "%s, which is not an address of this server", first);
}

void name_place_set_other_server(struct arena *memory, struct name_place *place,
				 const char *address, const char *response)
{
	place->location = NAME_ELSEWHERE;
	place->other_address = address;
	place->response = response;
	place->reason = describe_other_server(memory, place, false);
}

/* Whether a random name beside this one has the same address: then a wildcard record answers for
 * both. */
static bool is_answered_by_wildcard(struct arena *memory, struct resolver *resolver,
				    const struct name_place *place)
{
	struct dns_question question = {
		.type = strchr(place->other_address, ':') ? DNS_AAAA : DNS_A,
	};
	unsigned long long noise = 0;

	if (!strchr(parent_name(place->name), '.') ||
	    getrandom(&noise, sizeof(noise), 0) != (ssize_t)sizeof(noise))
		return false;
	question.name = arena_printf(memory, "mailconfd-%016llx.%s", noise,
				     parent_name(place->name));
	resolver_ask(resolver, memory, &question, 1);
	for (size_t i = 0; i < question.answer.count; i++)
		if (text_equals(question.answer.records[i].text, place->other_address))
			return true;
	return false;
}

void local_names_find_wildcards(struct arena *memory, struct resolver *resolver,
				struct name_place *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (places[i].location == NAME_ELSEWHERE &&
		    is_answered_by_wildcard(memory, resolver, &places[i]))
			places[i].reason = describe_other_server(memory, &places[i], true);
}

/* Whether the A records alone tell that a new name does not resolve to this server, or that nothing
 * can be requested for it now: on a large server most names are elsewhere, and are looked up every
 * ten minutes. */
static bool is_decided_by_a(const struct local_addresses *local, const struct name_place *place,
			    const struct dns_answer *answer)
{
	if (place->is_in_certificate || local->doubt)
		return false;
	for (size_t i = 0; i < answer->count; i++)
		if (!texts_has(&local->texts, answer->records[i].text))
			return true;
	return answer->outcome == DNS_FAILED || answer->has_no_name;
}

static void locate_name(struct arena *memory, const struct local_addresses *local,
			const struct dns_answer answers[2], struct name_place *place)
{
	const char *failure = NULL;

	place->addresses = TEXTS_IN(memory);
	for (size_t i = 0; i < 2; i++) {
		if (answers[i].outcome == DNS_FAILED)
			failure = answers[i].failure;
		for (size_t j = 0; j < answers[i].count; j++)
			texts_add(&place->addresses,
				  arena_strdup(memory, answers[i].records[j].text));
	}
	place->other_address = place->response = place->reason = NULL;
	for (size_t i = 0; i < place->addresses.count && !place->other_address; i++)
		if (!texts_has(&local->texts, place->addresses.items[i]))
			place->other_address = place->addresses.items[i];
	if (domain_is_pattern(place->name) ||
	    (place->addresses.count && !place->other_address && !failure)) {
		place->location = NAME_HERE;
	} else if (place->other_address && !local->doubt) {
		name_place_set_other_server(memory, place, place->other_address, NULL);
	} else if (failure) {
		place->location = NAME_UNKNOWN;
		place->reason = arena_printf(memory, "cannot be looked up: %s", failure);
	} else if (place->other_address) {
		place->location = NAME_UNKNOWN;
		place->reason = arena_printf(
			memory, "resolves to %s, which may be an address of this server: %s",
			place->other_address, local->doubt);
	} else {
		place->location = NAME_NOWHERE;
		place->reason = "has no address in DNS";
	}
}

void local_names_locate(struct arena *memory, struct resolver *resolver,
			const struct local_addresses *local, struct name_place *places,
			size_t count)
{
	_cleanup_(arena_clear) struct arena scratch = ARENA_NULL;
	struct dns_question *a = arena_array(&scratch, struct dns_question, count);
	struct dns_question *aaaa = arena_array(&scratch, struct dns_question, count);
	size_t n_aaaa = 0;

	for (size_t i = 0; i < count; i++)
		a[i] = (struct dns_question){ places[i].name, DNS_A, { 0 } };
	resolver_ask(resolver, &scratch, a, count);
	for (size_t i = 0; i < count; i++)
		if (!is_decided_by_a(local, &places[i], &a[i].answer))
			aaaa[n_aaaa++] = (struct dns_question){ places[i].name, DNS_AAAA, { 0 } };
	resolver_ask(resolver, &scratch, aaaa, n_aaaa);
	n_aaaa = 0;
	for (size_t i = 0; i < count; i++) {
		struct dns_answer answers[2] = { a[i].answer };

		if (!is_decided_by_a(local, &places[i], &a[i].answer))
			answers[1] = aaaa[n_aaaa++].answer;
		locate_name(memory, local, answers, &places[i]);
	}
}
