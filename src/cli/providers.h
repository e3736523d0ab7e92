#pragma once

/*
 * What the commands share that touch providers: options that describe one, URLs that make its
 * services, and the words in which a missing one is refused.
 */

#include <jansson.h>
#include <stddef.h>

#include "cli/command.h"
#include "mail/provider.h"

struct arguments;
struct admin;
struct error;

/* --allow-plaintext. */
extern const struct option plaintext_options[];

/* Finds the provider; a missing one is refused. Returns 0 or -1 with err set. */
int provider_require(struct admin *admin, const char *name, struct provider *ret_provider,
		     struct error *err);

/* Changes what the options say. Returns 0 or -1 with err set. */
int provider_apply_options(struct admin *admin, const struct arguments *arguments,
			   struct provider *provider, struct error *err);

/* Makes the services of the URLs those of the provider, and warns of ports that a client misreads.
 * Returns 0 or -1 with err set. */
int provider_apply_services(struct admin *admin, const struct arguments *arguments,
			    const char *const *urls, size_t count, struct provider *provider,
			    struct error *err);

/* Whether the provider with its services can have the options that it has, to be asked before it is
 * stored. Returns 0 or -1 with err set. */
int provider_check(struct admin *admin, const struct provider *provider, struct error *err);

/* Reads one service; plaintext without --allow-plaintext is refused. */
int service_from_url(struct admin *admin, const struct arguments *arguments, const char *url,
		     struct service *ret_service, struct error *err);

/* The service of the same URL in its normal form, or NULL. */
const struct service *service_find(struct admin *admin, const struct provider *provider,
				   const struct service *service);

/* Removes the provider if 'domain add' made it and no domain or user has it any more. name may be
 * NULL. Returns 0 or -1 with err set. */
int provider_drop_if_unused(struct admin *admin, const char *name, struct error *err);

/* Services that mean nothing go before any other is changed, for the others are then written anew.
 * Returns 0 or -1 with err set. */
int provider_refuse_spoiled(struct admin *admin, const struct provider *provider,
			    struct error *err);

json_t *service_entry(struct admin *admin, const struct service *service);
json_t *link_entry(const struct link *link);
