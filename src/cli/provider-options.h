#pragma once

/* What the commands that change providers share: options, and JSON of services and links. */

#include <jansson.h>

#include "mail/provider.h"
#include "util/base.h"

struct admin;
struct arguments;

/* --allow-plaintext. */
extern const struct option plaintext_options[];

/* Sets the attributes that were given. Returns 0 or -1 with err set. */
int provider_apply_options(struct admin *admin, const struct arguments *arguments,
			   struct provider *provider, struct error *err);

/* Adds the provider with the attributes and services that were given; its name and is_implicit are
 * set. Returns 0 or -1 with err set. */
int provider_add_given(struct admin *admin, const struct arguments *arguments,
		       struct provider *provider, struct error *err);

json_t *service_entry(struct admin *admin, const struct service *service);
json_t *link_entry(const struct link *link);
