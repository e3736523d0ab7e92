#pragma once

/* The rules that hold between domains, and between domains and users. */

#include <stdbool.h>

#include "mail/provider.h"

struct arguments;
struct admin;
struct error;

/* Finds the row of exactly this name, as typed; a missing one is refused. Returns 0 or -1 with err
 * set. */
int domain_require(struct admin *admin, const char *text, struct domain *ret_domain,
		   struct error *err);

/* A row that nothing would ever look for helps nobody, and hides a mistyped domain: refuses (with
 * ERROR_INPUT) a domain of users that nothing here serves, and warns of one that is disabled. whose
 * says in the warning what is not answered for. Returns 0 or -1 with err set. */
int domain_check_served(struct admin *admin, const char *name, const char *whose,
			struct error *err);

/* Gives the domain the --provider or makes it --alias-of another. Returns 0 or -1 with err set. */
int domain_apply_options(struct admin *admin, const struct arguments *arguments,
			 struct domain *domain, struct error *err);

/* A domain that others are aliases of can be neither removed nor an alias itself. The error has
 * what, which names the change. */
int domain_refuse_with_aliases(struct admin *admin, const char *name, const char *what,
			       struct error *err);

/* Removes the users that go with the domain, whose row is removed already: its own, or those that
 * only the pattern served. Refused where there are any and they may not be removed. */
int domain_remove_users(struct admin *admin, const char *name, bool may_remove, struct error *err);
