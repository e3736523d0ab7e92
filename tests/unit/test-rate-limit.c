#include <string.h>

#include "answer/rate-limit.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define SECOND INT64_C(1000000)

static struct client_networks networks(unsigned number)
{
	struct client_networks networks = { .count = 1, .items = { { .factor = 1 } } };

	networks.items[0].network.bits = 128;
	memcpy(networks.items[0].network.address, &number, sizeof(number));
	return networks;
}

/* How many of so many requests at one time are allowed. */
static unsigned take(struct rate_limit *rate, unsigned who, unsigned count, int64_t now)
{
	const struct client_networks client = networks(who);
	unsigned taken = 0;

	for (unsigned i = 0; i < count; i++)
		taken += !rate_limit_take(rate, &client, 10, 50, now);
	return taken;
}

/* The same of an IPv6 client; ret_full is the network that refused last. */
static unsigned take_from(struct rate_limit *rate, const char *client, unsigned count, int64_t now,
			  char *ret_full)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct client_networks all = networks_of_client(ip_address_parse(&memory, client));
	unsigned taken = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct client_network *full = rate_limit_take(rate, &all, 10, 50, now);

		taken += !full;
		if (full)
			(void)strcpy(ret_full, client_network_text(&memory, full));
	}
	return taken;
}

static void test_bucket(void **state)
{
	static const struct {
		const char *row;
		unsigned who, asked;
		int64_t at;
		unsigned wanted;
	} rows[] = {
		{ "a full bucket", 1, 60, SECOND, 50 },
		{ "it is empty", 1, 1, SECOND, 0 },
		{ "a tenth of a second gives one", 1, 5, SECOND * 11 / 10, 1 },
		{ "its neighbour has a bucket of its own", 2, 60, SECOND * 11 / 10, 50 },
		{ "two seconds give twenty", 1, 60, SECOND * 31 / 10, 20 },
		{ "a long time fills it, not more", 1, 200, SECOND * 1000, 50 },
	};
	_cleanup_(rate_limit_freep) struct rate_limit *rate = rate_limit_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_number(rows[i].row, take(rate, rows[i].who, rows[i].asked, rows[i].at),
			     rows[i].wanted);
}

static void test_wider_networks_have_buckets(void **state)
{
	static const struct {
		const char *client;
		unsigned asked;
		int64_t at;
		unsigned wanted;
		const char *full;
	} rows[] = {
		{ "2001:db8::1", 1000, SECOND, 50, "2001:db8::/64" },
		/* What was refused took no token from the /56. */
		{ "2001:db8:0:1::1", 1000, SECOND, 50, "2001:db8:0:1::/64" },
		{ "2001:db8:0:2::1", 1000, SECOND, 0, "2001:db8::/56" },
		{ "2001:db8:0:100::1", 1000, SECOND, 50, "2001:db8:0:100::/64" },
		{ "2001:db8:0:200::1", 1000, SECOND, 50, "2001:db8:0:200::/64" },
		{ "2001:db8:0:300::1", 1000, SECOND, 0, "2001:db8::/48" },
		{ "2001:db8:1::1", 1000, SECOND, 50, "2001:db8:1::/64" },
		/* The /56 gets twenty a second, the /64 ten. */
		{ "2001:db8:0:2::1", 1000, 2 * SECOND, 20, "2001:db8::/56" },
		{ "2001:db8:0:300::1", 1000, 2 * SECOND, 20, "2001:db8::/48" },
		{ "192.0.2.1", 1000, SECOND, 50, "192.0.2.1" },
		{ "192.0.2.2", 1000, SECOND, 50, "192.0.2.2" },
		{ "192.0.2.3", 1000, SECOND, 50, "192.0.2.3" },
		{ "192.0.2.4", 1000, SECOND, 50, "192.0.2.4" },
		{ "192.0.2.5", 1000, SECOND, 0, "192.0.2.0/24" },
		{ "192.0.3.5", 1000, SECOND, 50, "192.0.3.5" },
	};
	_cleanup_(rate_limit_freep) struct rate_limit *rate = rate_limit_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char full[64] = "";

		check_number(rows[i].client,
			     take_from(rate, rows[i].client, rows[i].asked, rows[i].at, full),
			     rows[i].wanted);
		check_text(rows[i].client, full, rows[i].full);
	}
}

/* The shortest time between two tokens: that of a /32, where the setting is at its highest. */
static void test_the_highest_rate(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(rate_limit_freep) struct rate_limit *rate = rate_limit_new();
	unsigned taken = 0;

	for (unsigned i = 0; i < 100; i++) {
		const char *client = arena_printf(&memory, "2001:db8:%x::1", i);
		const struct client_networks all = networks_of_client(
			ip_address_parse(&memory, client));

		taken += !rate_limit_take(rate, &all, 100000, 1, SECOND);
	}
	assert_int_equal(taken, 16);
}

/* However many networks come, who is held back is not forgotten for those that ask little. */
static void test_many_networks(void **state)
{
	_cleanup_(rate_limit_freep) struct rate_limit *rate = rate_limit_new();

	assert_int_equal(take(rate, 0, 100, SECOND), 50);
	for (unsigned i = 1; i < 4 * RATE_LIMIT_NETWORKS; i++)
		assert_int_equal(take(rate, i, 1, SECOND), 1);
	assert_int_equal(take(rate, 0, 1, SECOND), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "bucket", test_bucket },
		{ "many_networks", test_many_networks },
		{ "wider_networks_have_buckets", test_wider_networks_have_buckets },
		{ "the_highest_rate", test_the_highest_rate },
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
