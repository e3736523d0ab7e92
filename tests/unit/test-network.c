#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/network.h"

static bool contains(struct arena *memory, const char *list, const char *address)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, address, &ipv4.sin_addr) == 1)
		return networks_contain(memory, list, (struct sockaddr *)&ipv4);
	assert_int_equal(inet_pton(AF_INET6, address, &ipv6.sin6_addr), 1);
	return networks_contain(memory, list, (struct sockaddr *)&ipv6);
}

static void test_contained(void **state)
{
	static const struct {
		const char *list, *address;
		bool is_contained;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.64/30", "192.0.2.67", true },
		{ "192.0.2.64/30", "192.0.2.68", false },
		{ "192.0.2.64/30", "192.0.2.63", false },
		{ "128.0.0.0/1", "127.255.255.255", false },
		{ "128.0.0.0/1", "255.255.255.255", true },
		/* No length: one address. */
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "192.0.2.7/32", "192.0.2.7", true },
		{ "192.0.2.7/32", "192.0.2.8", false },
		{ "2001:db8::1", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::", false },
		/* All of IPv4 is none of the rest of IPv6, but a part of all of it. */
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "203.0.113.9", true },
		{ "2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "2001:db8:0:8::/61", "2001:db8:0:f::1", true },
		{ "2001:db8:0:8::/61", "2001:db8:0:10::1", false },
		{ "2001:DB8::/32", "2001:db8::1", true },
		/* IPv4 that came over IPv6, in the question and in the list. */
		{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
		{ "192.0.2.0/24", "::ffff:192.0.3.9", false },
		{ "192.0.2.0/24", "::192.0.2.9", false },
		{ "::ffff:192.0.2.0/120", "192.0.2.9", true },
		{ "::ffff:192.0.2.0/120", "192.0.3.9", false },
		{ "::ffff:0:0/96", "203.0.113.9", true },
		{ "::ffff:0:0/96", "2001:db8::1", false },
		/* Several; what is junk has nobody, and hides nobody. */
		{ "192.0.2.0/24 2001:db8::/32", "2001:db8::1", true },
		{ "192.0.2.0/24 2001:db8::/32", "192.0.2.1", true },
		{ "192.0.2.0/24 2001:db8::/32", "198.51.100.1", false },
		{ " \t192.0.2.0/24\t 198.51.100.1 ", "198.51.100.1", true },
		{ "junk 192.0.2.0/24", "192.0.2.1", true },
		{ "192.0.2.1/24", "192.0.2.1", false },
		{ "nobody", "192.0.2.1", false },
		{ "", "192.0.2.1", false },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_number(arena_printf(&memory, "%s has %s", rows[i].list, rows[i].address),
			     contains(&memory, rows[i].list, rows[i].address),
			     rows[i].is_contained);
}

static void test_other_families(void **state)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	assert_false(
		networks_contain(&memory, "0.0.0.0/0 ::/0", (const struct sockaddr *)&address));
}

static void test_accepted(void **state)
{
	static const char *const lists[] = {
		"192.0.2.0/24",
		"192.0.2.1",
		"192.0.2.1/32",
		"0.0.0.0/0",
		"::/0",
		"::1",
		"2001:db8::/32",
		"2001:db8::1/128",
		"::ffff:192.0.2.0/120",
		"192.0.2.0/24 2001:db8::/32 198.51.100.7",
		"  192.0.2.0/24\t2001:db8::/32  ",
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct error err = { 0 };

		check_number(lists[i], networks_check(&memory, lists[i], &err), 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *list, *words;
	} rows[] = {
		{ "", "a list of networks must not be empty" },
		{ " \t ", "a list of networks must not be empty" },
		{ "everyone", "'everyone' is not a network; write ADDRESS/BITS, with no bits set "
			      "after that many, as in 192.0.2.0/24 or 2001:db8::/32" },
		{ "192.0.2.1/24", "'192.0.2.1/24' is not a network" },
		{ "192.0.2.128/24", "'192.0.2.128/24' is not a network" },
		{ "128.0.0.0/0", "'128.0.0.0/0' is not a network" },
		{ "2001:db8::1/32", "'2001:db8::1/32' is not a network" },
		{ "2001:db8::1/127", "'2001:db8::1/127' is not a network" },
		{ "::ffff:192.0.2.1/120", "'::ffff:192.0.2.1/120' is not a network" },
		{ "192.0.2.0/33", "'192.0.2.0/33' is not a network" },
		{ "192.0.2.0/128", "'192.0.2.0/128' is not a network" },
		{ "2001:db8::/129", "'2001:db8::/129' is not a network" },
		{ "192.0.2.0/", "'192.0.2.0/' is not a network" },
		{ "192.0.2.0/-1", "'192.0.2.0/-1' is not a network" },
		{ "192.0.2.0/+24", "'192.0.2.0/+24' is not a network" },
		{ "192.0.2.0/24/24", "'192.0.2.0/24/24' is not a network" },
		{ "192.0.2.0/255.255.255.0", "'192.0.2.0/255.255.255.0' is not a network" },
		{ "192.0.2.0/18446744073709551640", "is not a network" },
		{ "192.0.2/24", "'192.0.2/24' is not a network" },
		{ "192.0.2.256", "'192.0.2.256' is not a network" },
		{ "010.0.0.1", "'010.0.0.1' is not a network" },
		{ "[2001:db8::1]", "'[2001:db8::1]' is not a network" },
		{ "fe80::1%lo", "'fe80::1%lo' is not a network" },
		{ "192.0.2.0/24,198.51.100.0/24", "'192.0.2.0/24,198.51.100.0/24' is not" },
		{ "192.0.2.0/24 / 198.51.100.7", "'/' is not a network" },
		{ "192.0.2.0/24 example.org", "'example.org' is not a network" },
		{ "192.0.2.0/24\n", "'192.0.2.0/24\\x0a' is not a network" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };

		check_number(rows[i].list, networks_check(&memory, rows[i].list, &err), -1);
		check_error(rows[i].list, &err, ERROR_INPUT, rows[i].words);
	}
}

static void test_addresses(void **state)
{
	static const char *const good[] = { "192.0.2.1", "::", "2001:DB8::1", "::ffff:192.0.2.1" };
	static const char *const bad[] = { "",	    "192.0.2",	  "192.0.2.1/32", "192.0.2.1:80",
					   "[::1]", "fe80::1%lo", "localhost",	  " 192.0.2.1",
					   "1",	    "0x7f.0.0.1", "192.0.2.1\n" };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		const struct sockaddr *address = ip_address_parse(&memory, good[i]);

		assert_non_null(address);
		check_number(good[i], networks_contain(&memory, good[i], address), true);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check_number(bad[i], ip_address_parse(&memory, bad[i]) != NULL, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),      cmocka_unit_test(test_contained),
		cmocka_unit_test(test_other_families), cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
