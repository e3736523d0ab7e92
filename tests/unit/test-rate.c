#include <string.h>

#include "http/rate.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define SECOND INT64_C(1000000)

static struct client_network network(unsigned number)
{
	struct client_network network = { .bits = 128 };

	memcpy(network.address, &number, sizeof(number));
	return network;
}

/* How many of so many requests at one time are allowed. */
static unsigned take(struct rate *rate, unsigned who, unsigned count, int64_t now)
{
	const struct client_network client = network(who);
	unsigned taken = 0;

	for (unsigned i = 0; i < count; i++)
		taken += rate_take(rate, &client, 10, 50, now);
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
	_cleanup_(rate_freep) struct rate *rate = rate_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_number(rows[i].row, take(rate, rows[i].who, rows[i].asked, rows[i].at),
			     rows[i].wanted);
}

/* However many networks come, who is held back is not forgotten for those that ask little. */
static void test_many_networks(void **state)
{
	_cleanup_(rate_freep) struct rate *rate = rate_new();

	assert_int_equal(take(rate, 0, 100, SECOND), 50);
	for (unsigned i = 1; i < 4 * RATE_NETWORKS; i++)
		assert_int_equal(take(rate, i, 1, SECOND), 1);
	assert_int_equal(take(rate, 0, 1, SECOND), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "bucket", test_bucket },
		{ "many_networks", test_many_networks },
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
