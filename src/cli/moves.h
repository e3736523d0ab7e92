#pragma once

/* Where clients of a domain or a user that moved are sent on to. */

#include <stddef.h>

struct arena;
struct cli;
struct domain;
struct error;

/* The text of --moved-to for a domain: an https URL, or another domain. '' gives NULL. Returns 0,
 * or -1 with err set. */
int moves_parse_domain(struct arena *memory, const char *text, const char **ret_target,
		       struct error *err);

/* Likewise for a user: another address. */
int moves_parse_user(struct arena *memory, const char *text, const char **ret_target,
		     struct error *err);

/* Whether clients that are sent to the target of a domain would come back to this server and ask
 * for the same domain again, which is refused. Known are the names that this server has in the
 * settings and the database. Returns 0, or -1 with err set. */
int moves_check_target(struct cli *cli, const char *target, struct error *err);

/* Follow the moves from an address on, or from whoever is in a domain, as the database has them
 * now; the row itself may just have been removed, for then another one may answer. Refused are a
 * circle, in which clients would run, and a way that is too long for them. Return 0, or -1 with err
 * set. */
int moves_check_address(struct cli *cli, const char *address, struct error *err);
int moves_check_domain(struct cli *cli, const struct domain *domain, struct error *err);
int moves_check_domains(struct cli *cli, const struct domain *const *domains, size_t count,
			struct error *err);

/* Likewise for all users that are sent on. */
int moves_check_users(struct cli *cli, struct error *err);
