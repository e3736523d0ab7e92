#include <string.h>

#include "unit/fixture.h"
#include "util/digest.h"

/* The vectors of the reference implementation: key 00 01 ... 0f, message 00 01 ... */
static void test_known_answers(void **state)
{
	static const struct {
		size_t size;
		uint64_t hash;
	} rows[] = {
		{ 0, 0x726fdb47dd0e0e31 },  { 1, 0x74f839c593dc67fd },	{ 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 },  { 15, 0xa129ca6149be45e5 }, { 16, 0x3f2acc7f57c29bdb },
		{ 63, 0x958a324ceb064572 },
	};
	struct hash_key key;
	uint8_t message[64];

	for (uint8_t i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = i;
	for (uint8_t i = 0; i < sizeof(message); i++)
		message[i] = i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(hash_of(&key, message, rows[i].size), rows[i].hash);
}

static void test_keys_differ(void **state)
{
	const struct hash_key a = hash_key_new(), b = hash_key_new();

	assert_memory_not_equal(a.bytes, b.bytes, sizeof(a.bytes));
	assert_int_not_equal(hash_of(&a, "x", 1), hash_of(&b, "x", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_keys_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
