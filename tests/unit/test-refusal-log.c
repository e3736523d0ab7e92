#include "answer/refusal-log.h"
#include "unit/fixture.h"
#include "util/network.h"

static bool note(struct refusal_log *refusals, unsigned number, int64_t now)
{
	const struct client_network network = {
		.address = { 0x20, 1, 0xd, 0xb8, (uint8_t)(number >> 8), (uint8_t)number },
		.bits = 64,
	};

	return refusal_log_add(refusals, &network, now);
}

static void test_one_of_a_minute_is_logged(void **state)
{
	struct refusal_log refusals = { 0 };

	refusal_log_init(&refusals, "rate limit", "refused");
	assert_true(note(&refusals, 1, 1000));
	assert_false(note(&refusals, 1, 1000));
	assert_true(note(&refusals, 2, 2000));
	assert_false(note(&refusals, 1, 2000));
	refusal_log_write(&refusals, 1000 + REFUSAL_LOG_PERIOD_MS);
	assert_true(note(&refusals, 1, 1000 + REFUSAL_LOG_PERIOD_MS));
	assert_false(note(&refusals, 2, 1000 + REFUSAL_LOG_PERIOD_MS));
}

static void test_many_networks_are_counted_together(void **state)
{
	struct refusal_log refusals = { 0 };

	refusal_log_init(&refusals, "rate limit", "refused");
	for (unsigned i = 0; i < REFUSAL_LOG_NETWORKS; i++)
		assert_true(note(&refusals, i, 1000));
	for (unsigned i = REFUSAL_LOG_NETWORKS; i < 1000; i++)
		assert_false(note(&refusals, i, 1000));
	refusal_log_write(&refusals, INT64_MAX);
	assert_true(note(&refusals, 999, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "one_of_a_minute_is_logged", test_one_of_a_minute_is_logged },
		{ "many_networks_are_counted_together", test_many_networks_are_counted_together },
	};

	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
