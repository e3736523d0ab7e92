#include "answer/address-set.h"

#define SIZE_MIN 16

/* A free slot is 0. */
static uint32_t key_of(uint32_t hash)
{
	return hash ? hash : 1;
}

/* The slot that has the key, or the free one where it belongs. At least one in five is free. */
static uint32_t *find_slot(const struct address_set *set, uint32_t key)
{
	uint32_t i = (uint32_t)((uint64_t)key * set->size >> 32);

	while (set->slots[i] && set->slots[i] != key)
		i = i + 1 == set->size ? 0 : i + 1;
	return &set->slots[i];
}

bool address_set_has(const struct address_set *set, uint32_t hash)
{
	return set->count > 0 && *find_slot(set, key_of(hash));
}

static void grow(struct address_set *set, uint32_t limit)
{
	uint32_t size_max = (uint32_t)(ADDRESS_SET_BYTES(limit) / sizeof(uint32_t));
	struct address_set larger = { .size = set->size ? set->size * 2 : SIZE_MIN,
				      .count = set->count };

	if (larger.size > size_max && size_max > set->size)
		larger.size = size_max;
	larger.slots = xcalloc(larger.size, sizeof(*larger.slots));
	for (uint32_t i = 0; i < set->size; i++)
		if (set->slots[i])
			*find_slot(&larger, set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = larger;
}

void address_set_add(struct address_set *set, uint32_t hash, uint32_t limit)
{
	if ((uint64_t)(set->count + 1) * 5 > (uint64_t)set->size * 4)
		grow(set, limit);
	*find_slot(set, key_of(hash)) = key_of(hash);
	set->count++;
}

void address_set_clear(struct address_set *set)
{
	free(set->slots);
	*set = (struct address_set){ 0 };
}
