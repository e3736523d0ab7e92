#pragma once

/* A hash for tables that strangers fill: without its key nobody can choose what falls together. */

#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_SIZE 16

struct hash_key {
	uint8_t bytes[HASH_KEY_SIZE];
};

/* A key that nobody else knows. */
struct hash_key hash_key_new(void);

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t hash_of(const struct hash_key *key, const void *data, size_t size);
