#pragma once

/* A set of mail addresses, by their hashes: open addressing with linear probing, in memory that
 * grows with it. */

#include "util/base.h"

struct address_set {
	uint32_t *slots; /* 0 in a free one */
	uint32_t size;	 /* slots */
	uint32_t count;
};

/* The memory of a set of so many addresses, at most. */
#define ADDRESS_SET_BYTES(limit) (((limit) + (limit) / 4 + 1) * sizeof(uint32_t))

bool address_set_has(const struct address_set *set, uint32_t hash);

/* The set does not have the hash, and has fewer than limit. */
void address_set_add(struct address_set *set, uint32_t hash, uint32_t limit);

/* Frees the memory; the set is empty. */
void address_set_clear(struct address_set *set);
