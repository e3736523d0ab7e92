#pragma once

/* What differs between two installations, thing by thing: providers by name, domains by name, then
 * users, of whom there may be millions. */

#include <stddef.h>

#include "mail/provider.h"

struct arena;
struct error;
struct store;

struct comparison {
	struct store *before, *after;
	struct provider *providers_before, *providers_after;
	size_t n_providers_before, n_providers_after;
	struct domain *domains_before, *domains_after;
	size_t n_domains_before, n_domains_after;
};

/* Reads all but the users; both stores have to stay as they are from here on. Returns 0 or -1 with
 * err set. */
int comparison_init(struct arena *memory, struct store *before, struct store *after,
		    struct comparison *ret_comparison, struct error *err);

/*
 * Who wants to know. Of what is added there is no before, of what is removed no after; what is the
 * same on both sides nobody is told. All return 0 to go on, or -1 with err set.
 */
struct difference_visitor {
	int (*provider)(void *context, const struct provider *before, const struct provider *after,
			struct error *err);
	int (*domain)(void *context, const struct domain *before, const struct domain *after,
		      struct error *err);
	int (*user)(void *context, const struct user *before, const struct user *after,
		    struct error *err);
};

int comparison_visit(const struct comparison *comparison, const struct difference_visitor *visitor,
		     void *context, struct error *err);
