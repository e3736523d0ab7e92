#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "http/forwarded.h"
#include "protocol/request.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"

#define TRUSTED "127.0.0.0/8 ::1 10.0.0.0/8"

/* "unix" is the peer of a unix socket. */
static const struct sockaddr *address_of(struct arena *memory, const char *text)
{
	struct sockaddr_in6 *ipv6 = arena_new(memory, struct sockaddr_in6);
	struct sockaddr_in *ipv4 = arena_new(memory, struct sockaddr_in);
	struct sockaddr *local = arena_new(memory, struct sockaddr);

	local->sa_family = AF_UNIX;
	if (text_equals(text, "unix"))
		return local;
	ipv4->sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1)
		return (const struct sockaddr *)ipv4;
	ipv6->sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
	return (const struct sockaddr *)ipv6;
}

static const char *text_of(struct arena *memory, const struct sockaddr *address)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	char *text = arena_alloc(memory, INET6_ADDRSTRLEN);

	if (address->sa_family == AF_INET)
		return inet_ntop(AF_INET, &ipv4->sin_addr, text, INET6_ADDRSTRLEN);
	assert_int_equal(address->sa_family, AF_INET6);
	return inet_ntop(AF_INET6, &ipv6->sin6_addr, text, INET6_ADDRSTRLEN);
}

static const char *client_for(struct arena *memory, const char *peer, const char *trusted,
			      const char *addresses)
{
	struct request request = { .client = address_of(memory, peer) };

	forwarded_apply(memory, trusted, addresses, NULL, &request);
	return text_of(memory, request.client);
}

static void test_clients(void **state)
{
	static const struct {
		const char *peer, *addresses, *client;
	} rows[] = {
		{ "127.0.0.1", "192.0.2.1", "192.0.2.1" },
		{ "::1", "2001:db8::1", "2001:db8::1" },
		{ "::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1" },
		{ "unix", "192.0.2.1", "192.0.2.1" },
		{ "127.0.0.1", " \t192.0.2.1 ", "192.0.2.1" },
		/* Who is not trusted is the client, whatever it says. */
		{ "192.0.2.9", "198.51.100.1", "192.0.2.9" },
		{ "2001:db8::9", "127.0.0.1", "2001:db8::9" },
		{ "192.0.2.9", NULL, "192.0.2.9" },
		/* What the client wrote itself stands to the left. */
		{ "127.0.0.1", "127.0.0.1, 192.0.2.1", "192.0.2.1" },
		{ "127.0.0.1", "198.51.100.1,192.0.2.1", "192.0.2.1" },
		{ "127.0.0.1", "198.51.100.1, 192.0.2.1, 10.1.2.3", "192.0.2.1" },
		{ "127.0.0.1", "junk, 192.0.2.1, 10.1.2.3, 127.0.0.1", "192.0.2.1" },
		{ "127.0.0.1", "10.0.0.7, 192.0.2.1, 10.0.0.8", "192.0.2.1" },
		/* All are trusted: the first of them asks. */
		{ "127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1" },
		{ "unix", "127.0.0.1", "127.0.0.1" },
		{ "127.0.0.1", "::ffff:10.0.0.1", "::ffff:10.0.0.1" },
		/* Nothing is said. */
		{ "127.0.0.1", NULL, "::" },
		{ "127.0.0.1", "", "::" },
		{ "127.0.0.1", " , ,", "::" },
		{ "unix", NULL, "::" },
		{ "unix", ",", "::" },
		{ "127.0.0.1", "192.0.2.1,, ,", "192.0.2.1" },
		/* Ports, brackets, zones. */
		{ "127.0.0.1", "192.0.2.1:4711", "192.0.2.1" },
		{ "127.0.0.1", "[2001:db8::1]", "2001:db8::1" },
		{ "127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1" },
		{ "127.0.0.1", "[192.0.2.1]:4711", "192.0.2.1" },
		{ "127.0.0.1", "fe80::1%eth0", "fe80::1" },
		{ "127.0.0.1", "[fe80::1%25eth0]:4711", "fe80::1" },
		/* No address, so nobody's. */
		{ "127.0.0.1", "unknown", "::" },
		{ "127.0.0.1", "_hidden", "::" },
		{ "127.0.0.1", "192.0.2.1, unknown", "::" },
		{ "127.0.0.1", "192.0.2.1, junk, 10.0.0.1", "::" },
		{ "127.0.0.1", "192.0.2.1.", "::" },
		{ "127.0.0.1", "192.0.2.256", "::" },
		{ "127.0.0.1", "192.0.2.01", "::" },
		{ "127.0.0.1", "192.0.2.1/32", "::" },
		{ "127.0.0.1", "192.0.2.1 198.51.100.1", "::" },
		{ "127.0.0.1", "192.0.2.1;198.51.100.1", "::" },
		{ "127.0.0.1", "\"192.0.2.1\"", "::" },
		{ "127.0.0.1", "for=192.0.2.1", "::" },
		{ "127.0.0.1", "192.0.2.1:", "::" },
		{ "127.0.0.1", "192.0.2.1:65536", "::" },
		{ "127.0.0.1", "192.0.2.1:x", "::" },
		{ "127.0.0.1", "192.0.2.1%eth0", "::" },
		{ "127.0.0.1", "[2001:db8::1", "::" },
		{ "127.0.0.1", "2001:db8::1]", "::" },
		{ "127.0.0.1", "[2001:db8::1]4711", "::" },
		{ "127.0.0.1", "[2001:db8::1]:x", "::" },
		{ "127.0.0.1", "[[2001:db8::1]]", "::" },
		{ "127.0.0.1", "[2001:db8::1]:1:2", "::" },
		{ "127.0.0.1", "[:80", "::" },
		{ "127.0.0.1", "]:80", "::" },
		{ "127.0.0.1", "[]", "::" },
		{ "127.0.0.1", "[", "::" },
		{ "127.0.0.1", "]", "::" },
		{ "127.0.0.1", "%", "::" },
		{ "127.0.0.1", ":", "::" },
		{ "127.0.0.1", "\xff\xfe", "::" },
		{ "127.0.0.1", "localhost", "::" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(arena_printf(&memory, "%s says %s", rows[i].peer, rows[i].addresses),
			   client_for(&memory, rows[i].peer, TRUSTED, rows[i].addresses),
			   rows[i].client);
}

static void test_nobody_is_trusted(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	check_text("tcp", client_for(&memory, "127.0.0.1", "", "192.0.2.1"), "127.0.0.1");
	check_text("unix", client_for(&memory, "unix", "", "192.0.2.1"), "192.0.2.1");
}

static void test_endless_lists(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes trusted = BYTES_IN(&memory), junk = BYTES_IN(&memory);

	while (trusted.size < 65536)
		bytes_add_text(&trusted, "10.0.0.1,");
	while (junk.size < 65536)
		bytes_add_text(&junk, "1234567890:");
	check_text("trusted", client_for(&memory, "127.0.0.1", TRUSTED, bytes_text(&trusted)),
		   "::");
	check_text("junk", client_for(&memory, "127.0.0.1", TRUSTED, bytes_text(&junk)), "::");
	bytes_add_text(&trusted, "192.0.2.1");
	check_text("client at its end",
		   client_for(&memory, "127.0.0.1", TRUSTED, bytes_text(&trusted)), "192.0.2.1");
}

static void test_hosts(void **state)
{
	static const struct {
		const char *peer, *hosts, *host;
	} rows[] = {
		{ "127.0.0.1", "autoconfig.example.org", "autoconfig.example.org" },
		{ "unix", "autoconfig.example.org:443", "autoconfig.example.org:443" },
		{ "127.0.0.1", "forged.example, autoconfig.example.org", "autoconfig.example.org" },
		{ "127.0.0.1", "forged.example,autoconfig.example.org ,",
		  "autoconfig.example.org" },
		{ "127.0.0.1", NULL, "inner.example" },
		{ "127.0.0.1", "", "inner.example" },
		{ "127.0.0.1", " , ", "inner.example" },
		{ "192.0.2.9", "autoconfig.example.org", "inner.example" },
		/* Left for request_host() to refuse. */
		{ "127.0.0.1", "a b", "a b" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct request request = {
			.host = "inner.example",
			.client = address_of(&memory, rows[i].peer),
		};

		forwarded_apply(&memory, TRUSTED, NULL, rows[i].hosts, &request);
		check_text(arena_printf(&memory, "%s says %s", rows[i].peer, rows[i].hosts),
			   request.host, rows[i].host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_nobody_is_trusted),
		cmocka_unit_test(test_endless_lists),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
