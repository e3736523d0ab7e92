#pragma once

/*
 * Certificates for which there is no use any more: their domains were removed or are disabled. They
 * are not renewed, and their expiry is not an alarm.
 */

#include "util/base.h"

struct certificate;
struct store;

enum use {
	USE_SERVED,   /* one of the names is a public name, or belongs to a domain that is served */
	USE_DISABLED, /* no more than disabled domains go by the names */
	USE_NONE,     /* nothing in the database goes by the names */
};

/* Finds out which. public_name is that of the settings, "" for none. Returns 0, STORE_BUSY, or -1
 * with err set. */
int retired_find_use(struct store *store, struct arena *memory, const char *public_name,
		     const struct certificate *certificate, enum use *ret_use, struct error *err);
