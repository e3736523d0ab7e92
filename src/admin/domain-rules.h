#pragma once

/* The rules that hold between domains, and between domains and users, and where those that moved
 * are redirected to. */

#include "mail/provider.h"
#include "util/base.h"

struct admin;

/* Finds the row of exactly this name, as typed; a missing one is an error. Returns 0 or -1 with err
 * set. */
int domain_require(struct admin *admin, const char *text, struct domain *ret_domain,
		   struct error *err);

/* Refuses (with ERROR_INPUT) a domain of users that no row here serves, because it is most likely
 * mistyped, and warns of one that is disabled. whose says in the warning what gets no answer.
 * Returns 0 or -1 with err set. */
int domain_check_served(struct admin *admin, const char *name, const char *whose,
			struct error *err);

/* Assigns the provider to the domain, or where that is NULL, makes it an alias. Returns 0 or -1
 * with err set. */
int domain_assign(struct admin *admin, const char *provider_name, const char *alias_of,
		  struct domain *domain, struct error *err);

/* A domain that has aliases can be neither removed nor become an alias. The error has what, which
 * names the change. Returns 0 or -1 with err set. */
int domain_refuse_with_aliases(struct admin *admin, const char *name, const char *what,
			       struct error *err);

/* Removes the users that go with the domain, whose row is removed already: its own, or those that
 * only the pattern served. Refused where there are any and they may not be removed. Returns 0 or -1
 * with err set. */
int domain_remove_users(struct admin *admin, const char *name, bool may_remove, struct error *err);

/* The text of --moved-to for a domain: an https URL, or another domain. '' gives NULL. Returns 0,
 * or -1 with err set. */
int moves_parse_domain(struct arena *memory, const char *text, const char **ret_target,
		       struct error *err);

/* Likewise for a user: another address. */
int moves_parse_user(struct arena *memory, const char *text, const char **ret_target,
		     struct error *err);
