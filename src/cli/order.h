#pragma once

/* What to request under one name: the names of a certificate, and which of them it gets. */

#include <stdbool.h>
#include <stddef.h>

struct error;
struct issuing;
struct name_place;

struct order {
	const char *domain;
	const char *server;
	struct name_place *places; /* the names to request, and where they are */
	size_t count;
	size_t n_optional; /* how many of the last names are left out without a warning */
	bool is_renewal;   /* of a certificate that is due: if no name resolves to this server, the
			    * CA decides */
};

/* Returns 0, or -1 with err set where the domain or a name is not a host name: they come from the
 * database, which the daemon's account can write, and go into file names and the arguments of the
 * ACME client. */
int order_validate(const struct order *order, struct error *err);

/* Adds a name to the order, once. */
void order_add(struct issuing *issuing, struct order *order, const char *name);

/* Removes the names that other certificates have. */
void order_leave_to_others(struct issuing *issuing, struct order *order);

/* Whether the requested certificate has all these names and is not due. */
bool order_is_served(const struct issuing *issuing, const struct order *order,
		     const char *const *names, size_t count);

/* Writes those names to request that resolve to this server to names, which has room for all.
 * Returns how many. */
size_t order_choose_names(const struct order *order, const char **names);
