#pragma once

/*
 * The key that session tickets are encrypted with, shared by all workers, so that a ticket of one
 * resumes a session at each.
 *
 * GnuTLS derives a new key from it every 18 hours (lib/stek.c), but an attacker with this one can
 * derive all of them, and decrypt recorded TLS 1.2 sessions with tickets. So it is
 * replaced every week, and the old one erased. A ticket is valid for 6 hours. GnuTLS takes one key
 * for a session and has no call to find the key of a ticket, so a ticket of the old key causes a
 * full handshake.
 */

#include <gnutls/gnutls.h>

#include "util/base.h"

struct ticket_key;

#define TICKET_KEY_LIFE_MS (INT64_C(7) * 24 * 60 * 60 * 1000)

/* now is clock_now(). Returns 0, or -1 with err set. */
int ticket_key_new(int64_t now, struct ticket_key **ret_key, struct error *err);
void ticket_key_free(struct ticket_key *key);
DEFINE_CLEANUP(struct ticket_key *, ticket_key_free);

/* Replaces the key if it is a week old. Returns whether it did. Called by one thread only. */
bool ticket_key_renew(struct ticket_key *key, int64_t now);

/* Lets the session, of a server, issue and accept tickets. May be called from any thread. */
void ticket_key_enable(struct ticket_key *key, gnutls_session_t session);
