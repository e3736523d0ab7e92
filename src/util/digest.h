#pragma once

/* SHA-256, plain and with a key. */

#include <stddef.h>

struct arena;

#define DIGEST_SIZE 32
#define DIGEST_KEY_SIZE 32

struct digest {
	unsigned char bytes[DIGEST_SIZE];
};

struct digest_key {
	unsigned char bytes[DIGEST_KEY_SIZE];
};

/* SHA-256 (FIPS 180-4). */
struct digest digest_of(const void *data, size_t size);

/* HMAC-SHA256 (RFC 2104). */
struct digest digest_with_key(const struct digest_key *key, const void *data, size_t size);

/* Base64 with its padding (RFC 4648 4). Lives in memory. */
const char *digest_base64(struct arena *memory, const struct digest *digest);
