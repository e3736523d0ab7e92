#pragma once

/* What an admin is warned of: settings that can be meant so, but that clients trip over. */

#include "util/base.h"

struct admin;
struct provider;
struct service;

/* Warns that the provider has no services at all. */
void provider_warn_if_empty(struct admin *admin, const struct provider *provider);

/*
 * Remembers that the provider was changed, so that providers_warn() looks at it once all is done:
 * in a batch its services come one by one.
 */
void provider_warn_later(struct admin *admin, const char *name);

/* Warns, of the providers that were remembered, of services without which clients refuse their
 * documents, and where FairEmail, which takes the last user name of an autoconfig document, gets
 * another one than that for mail. Returns 0, or -1 with err set. */
int providers_warn(struct admin *admin, struct error *err);

/* Warns of services that offer OAuth2 where nothing says who issues the tokens. */
void provider_warn_of_oauth2(struct admin *admin, const struct provider *provider);

/* The same for one service of the provider. */
void service_warn_of_oauth2(struct admin *admin, const struct provider *provider,
			    const struct service *service);

/* Warns of invalid services, patterns and links in the database, with the remedy. */
void provider_warn_of_invalid_rows(struct admin *admin, const struct provider *provider);

/* Warns of a port that a client takes for something else. */
void service_warn_of_port(struct admin *admin, const struct service *service);

/* Warns how many of the provider's users have a login that differs from what its pattern gives, and
 * which login clients get: users of the domains that it serves, and users with it as a provider of
 * their own. Reads a million users in about a second. Returns 0, or -1 with err set. */
int logins_warn(struct admin *admin, const struct provider *provider, struct error *err);
