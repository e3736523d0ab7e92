#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "util/arena.h"
#include "util/error.h"
#include "util/socket-address.h"

static struct sockaddr_storage parsed(const char *text)
{
	struct sockaddr_storage address;
	struct error err;

	if (socket_address_parse(text, &address, &err) < 0)
		fail_msg("%s", err.text);
	return address;
}

static void accepts(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *host, *port;
	} cases[] = {
		{ "192.0.2.1:443", AF_INET, "192.0.2.1", "443" },
		{ "0.0.0.0:1", AF_INET, "0.0.0.0", "1" },
		{ "[::]:65535", AF_INET6, "::", "65535" },
		{ "[2001:DB8:0::1]:8443", AF_INET6, "2001:db8::1", "8443" },
		{ "[::ffff:192.0.2.1]:0080", AF_INET6, "::ffff:192.0.2.1", "80" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_storage address;
		char host[NI_MAXHOST], port[NI_MAXSERV];
		socklen_t length;
		struct error err;

		if (socket_address_parse(cases[i].text, &address, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(address.ss_family, cases[i].family);
		length = socket_address_length(&address);
		assert_int_equal(length, cases[i].family == AF_INET ? sizeof(struct sockaddr_in)
								    : sizeof(struct sockaddr_in6));
		assert_int_equal(getnameinfo((struct sockaddr *)&address, length, host,
					     sizeof(host), port, sizeof(port),
					     NI_NUMERICHOST | NI_NUMERICSERV),
				 0);
		assert_string_equal(host, cases[i].host);
		assert_string_equal(port, cases[i].port);
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "no port" },
		{ ":", "its port" },
		{ "443", "no address" },
		{ "0", "no address" },
		{ "*", "no port" },
		{ "*:443", "write [::]:PORT" },
		{ ":443", "write [::]:PORT" },
		{ "0.0.0.0", "no port" },
		{ "0.0.0.0:", "its port" },
		{ "0.0.0.0:0", "its port" },
		{ "0.0.0.0:+1", "its port" },
		{ "0.0.0.0:65536", "its port" },
		{ "0.0.0.0: 80", "its port" },
		{ "0.0.0:80", "the IP address itself" },
		{ "010.0.0.1:80", "the IP address itself" },
		{ "localhost:80", "the IP address itself" },
		{ "[0.0.0.0]:80", "IPv6 address" },
		{ "[]:80", "IPv6 address" },
		{ "[:80", "the IP address itself" },
		{ "]:80", "the IP address itself" },
		{ "[::]", "no port" },
		{ "[::]80", "no port" },
		{ "[::1:80", "in brackets" },
		{ "::1]:80", "in brackets" },
		{ "::1:80", "in brackets" },
		{ "[fe80::1%lo]:80", "IPv6 address" },
		{ "[::\n]:80", "'[::\\x0a]:80'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_storage address;
		struct error err;

		if (socket_address_parse(cases[i].text, &address, &err) != -1)
			fail_msg("accepted '%s'", cases[i].text);
		if (!strstr(err.text, cases[i].words))
			fail_msg("'%s' does not say '%s'", err.text, cases[i].words);
	}
}

static void writes(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{ "192.0.2.1:443", "192.0.2.1:443" },
		{ "[::]:65535", "[::]:65535" },
		{ "[2001:DB8:0::1]:0443", "[2001:db8::1]:443" },
	};
	const struct sockaddr_storage local = { .ss_family = AF_UNIX };
	struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_storage address = parsed(cases[i].text);

		assert_string_equal(socket_address_text(&memory, &address), cases[i].written);
	}
	assert_null(socket_address_text(&memory, &local));
	arena_clear(&memory);
}

static void compares(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal, overlap;
	} cases[] = {
		{ "[::]:443", "[0::0]:443", true, true },
		{ "[::]:443", "0.0.0.0:443", false, true },
		{ "[::]:443", "[::]:80", false, false },
		{ "[::]:443", "192.0.2.1:443", false, false },
		{ "192.0.2.1:443", "[::ffff:192.0.2.1]:443", true, true },
		{ "192.0.2.1:443", "192.0.2.2:443", false, false },
		{ "[::1]:443", "127.0.0.1:443", false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_storage a = parsed(cases[i].a), b = parsed(cases[i].b);

		assert_int_equal(socket_address_equals(&a, &b), cases[i].equal);
		assert_int_equal(socket_address_equals(&b, &a), cases[i].equal);
		assert_int_equal(socket_address_overlaps(&a, &b), cases[i].overlap);
		assert_int_equal(socket_address_overlaps(&b, &a), cases[i].overlap);
	}
}

static void knows_loopback(void **state)
{
	static const struct {
		const char *text;
		bool is_loopback;
	} cases[] = {
		{ "127.0.0.1:80", true },
		{ "127.255.255.255:80", true },
		{ "[::1]:80", true },
		{ "[::ffff:127.0.0.1]:80", true },
		{ "0.0.0.0:80", false },
		{ "[::]:80", false },
		{ "128.0.0.1:80", false },
		{ "192.0.2.127:80", false },
		{ "[::127.0.0.1]:80", false },
		{ "[2001:db8::1]:80", false },
		{ "[::ffff:192.0.2.1]:80", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_storage address = parsed(cases[i].text);

		if (socket_address_is_loopback(&address) != cases[i].is_loopback)
			fail_msg("%s", cases[i].text);
	}
}

static void finds_ways(void **state)
{
	static const struct {
		const char *listening, *ways[SOCKET_ADDRESS_WAYS_MAX + 1];
	} cases[] = {
		{ "192.0.2.1:443", { "192.0.2.1:443" } },
		{ "[2001:db8::1]:443", { "[2001:db8::1]:443" } },
		{ "0.0.0.0:80", { "127.0.0.1:80" } },
		{ "[::]:8443", { "[::1]:8443", "127.0.0.1:8443" } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct sockaddr_storage ways[SOCKET_ADDRESS_WAYS_MAX];
		struct sockaddr_storage listening = parsed(cases[i].listening);
		size_t count = socket_address_ways(&listening, ways);

		for (size_t j = 0; j < count; j++)
			assert_string_equal(socket_address_text(&memory, &ways[j]),
					    cases[i].ways[j]);
		assert_null(cases[i].ways[count]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),	  cmocka_unit_test(refuses),
		cmocka_unit_test(writes),	  cmocka_unit_test(compares),
		cmocka_unit_test(knows_loopback), cmocka_unit_test(finds_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
