#pragma once

/* SHA-256, plain and with a key; MD5, for a client that names people by it; and a keyed hash for
 * tables that clients fill: without its key they cannot choose which entries collide. */

#include "util/base.h"

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

#define MD5_SIZE 16

struct md5 {
	unsigned char bytes[MD5_SIZE];
};

/* MD5 (RFC 1321), which keeps no secret and proves nothing. Returns false where GnuTLS will not
 * make any. */
bool md5_of(const void *data, size_t size, struct md5 *ret_md5);

/* Reads 32 hexadecimal digits in either letter case, and nothing else. Returns whether they are
 * there. */
bool md5_parse(const char *text, struct md5 *ret_md5);

/* The digits, in lower case. Live in memory. */
const char *md5_text(struct arena *memory, const struct md5 *md5);

/* Base64 with its padding (RFC 4648 4). Lives in memory. */
const char *digest_base64(struct arena *memory, const struct digest *digest);

#define HASH_KEY_SIZE 16

struct hash_key {
	uint8_t bytes[HASH_KEY_SIZE];
};

/* A random key. */
struct hash_key hash_key_new(void);

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t hash_of(const struct hash_key *key, const void *data, size_t size);
