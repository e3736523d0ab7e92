#pragma once

/* The rules for providers and their services, and what remains of them when they are not used. */

#include "mail/provider.h"
#include "util/base.h"

struct admin;

/* Finds the provider; a missing one is an error. Returns 0 or -1 with err set. */
int provider_require(struct admin *admin, const char *name, struct provider *ret_provider,
		     struct error *err);

/* Checks the attributes of a provider with its services against each other, before it is stored.
 * Returns 0 or -1 with err set. */
int provider_check(struct admin *admin, const struct provider *provider, struct error *err);

/* Parses a service, and warns of a port that a client misreads. Returns 0 or -1 with err set. */
int service_from_url(struct admin *admin, const char *url, bool allows_plaintext,
		     struct service *ret_service, struct error *err);

/* Replaces the services of the provider. Returns 0 or -1 with err set. */
int provider_parse_services(struct admin *admin, const char *const *urls, size_t count,
			    bool allows_plaintext, struct provider *provider, struct error *err);

/* The service of the provider with the same URL in its normal form, or NULL. */
const struct service *service_find(struct admin *admin, const struct provider *provider,
				   const struct service *service);

/* Removes the provider if 'domain add' made it and no domain or user uses it. name may be NULL.
 * Returns 0 or -1 with err set. */
int provider_drop_if_unused(struct admin *admin, const char *name, struct error *err);

/* Invalid services must be removed before others are changed, because a change writes all of them.
 * Returns 0 or -1 with err set. */
int provider_refuse_invalid_service(struct admin *admin, const struct provider *provider,
				    struct error *err);
