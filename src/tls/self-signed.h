#pragma once

/* A certificate that vouches for itself: what is served until there is a real one. No client trusts
 * it. */

struct error;

/* Sees to it that the file is such a certificate, for the name and still valid for a month, with
 * its key (ECDSA P-256), readable by its owner alone; one that is there already stays. Returns 0,
 * or -1 with err set. */
int self_signed_provide(const char *file, const char *name, struct error *err);
