#include <stdlib.h>

#include "answer/client-limits.h"
#include "unit/fixture.h"

/* Neighbours, which collide in a small table, and 0, which is stored as 1. */
static uint32_t hash_at(uint32_t i)
{
	return i % 3 == 2 ? (i * UINT32_C(2654435761)) | 3 : 2 * i;
}

static void test_sets_hold_what_was_added(void **state)
{
	static const uint32_t limits[] = { 1, 2, 13, 500, 16000 };

	for (size_t l = 0; l < sizeof(limits) / sizeof(*limits); l++) {
		struct address_set set = { 0 };

		assert_false(address_set_has(&set, 0));
		for (uint32_t i = 0; i < limits[l]; i++) {
			assert_false(address_set_has(&set, hash_at(i)));
			address_set_add(&set, hash_at(i), limits[l]);
			assert_true(address_set_has(&set, hash_at(i)));
		}
		for (uint32_t i = 0; i < limits[l]; i++)
			assert_true(address_set_has(&set, hash_at(i)));
		assert_int_equal(set.count, limits[l]);
		if (limits[l] > 12) /* smaller than the smallest table */
			assert_in_range(set.size * sizeof(uint32_t), limits[l] * sizeof(uint32_t),
					ADDRESS_SET_BYTES(limits[l]));
		address_set_clear(&set);
		assert_false(address_set_has(&set, 0));
	}
}

/* A reload can lower the limit below what is counted, and raise it again. */
static void test_the_limit_can_change(void **state)
{
	struct address_set set = { 0 };

	for (uint32_t i = 0; i < 500; i++)
		address_set_add(&set, hash_at(i), 500);
	for (uint32_t i = 500; i < 1000; i++)
		address_set_add(&set, hash_at(i), 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(address_set_has(&set, hash_at(i)));
	assert_int_equal(set.size * sizeof(uint32_t), ADDRESS_SET_BYTES(1000));
	address_set_clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_hold_what_was_added),
		cmocka_unit_test(test_the_limit_can_change),
	};

	return cmocka_run_group_tests_name("address-set", tests, NULL, NULL);
}
