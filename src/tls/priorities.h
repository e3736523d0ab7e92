#pragma once

/* The TLS versions, cipher suites and groups that the server offers: a priority string of GnuTLS,
 * which a setting can replace or change. */

#include "util/base.h"

/* GnuTLS's NORMAL, but: TLS 1.2 and later; no key exchange without forward secrecy (RSA), none with
 * finite fields (DHE), which costs a millisecond; AES-128 first, because nettle has no fast
 * SHA-384; X25519 first, because with %SERVER_PRECEDENCE alone most clients would be asked for a
 * second ClientHello; no P-521. */
#define PRIORITIES_DEFAULT                                                                   \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:+AES-128-GCM:" \
	"+AES-256-GCM:+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"         \
	"+GROUP-SECP384R1:%SERVER_PRECEDENCE"

/* The priority string for a setting: "" is the default, what begins with one of +-!% is appended to
 * it, and anything else replaces it. In memory. */
const char *priorities_string(struct arena *memory, const char *setting);

/* Returns 0, or -1 with err set to what GnuTLS rejects, and where; for a cipher list of OpenSSL,
 * with the setting that does the same. Versions before TLS 1.2 are rejected. */
int priorities_check(struct arena *memory, const char *setting, struct error *err);
