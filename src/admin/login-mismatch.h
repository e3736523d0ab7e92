#pragma once

/* Logins that a provider's pattern does not give. */

struct admin;
struct error;
struct provider;

/* Warns how many of the provider's users have one, and what clients are told of them: those of the
 * domains that it answers for, and those that have it as their own. Reads all of them, a million in
 * about a second. Returns 0, or -1 with err set. */
int logins_warn(struct admin *admin, const struct provider *provider, struct error *err);
