#pragma once

/* Users whose login differs from what their provider's pattern gives. */

#include "util/base.h"

struct admin;
struct provider;

/* Warns how many of the provider's users are such, and which login clients get: users of the
 * domains that it serves, and users with it as a provider of their own. Reads a million users in
 * about a second. Returns 0, or -1 with err set. */
int logins_warn(struct admin *admin, const struct provider *provider, struct error *err);
