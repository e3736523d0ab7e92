#pragma once

/* Which names resolve to this server: those whose addresses in DNS are all addresses of this
 * server, because a certificate authority (CA) may connect to any of them. */

#include "util/base.h"
#include "util/string-list.h"

struct resolver;

struct local_addresses {
	struct texts texts; /* as inet_ntop(3) writes them */
	const char *doubt;  /* why addresses may be missing, or NULL */
};

enum name_location {
	NAME_HERE,
	NAME_NOWHERE,	/* DNS has no address for the name */
	NAME_ELSEWHERE, /* an address is not of this server, or another web server answers there */
	NAME_UNKNOWN,	/* no answer: a temporary failure, which says nothing about the name */
};

struct name_place {
	const char *name;
	bool is_optional;	/* of the caller: no warning if it is left out */
	bool is_in_certificate; /* of the caller: the present certificate has it */

	/* Filled in. */
	enum name_location location;
	const char *reason; /* unless it is NAME_HERE: a predicate, as in "autoconfig.D REASON" */
	struct texts addresses;	   /* in DNS */
	const char *other_address; /* of these, that of another server */
	const char *response;	   /* of that server, as in "HTTP 404"; NULL if none was seen */
	const char *unreachable;   /* the address that cannot be reached, and why, or NULL */
};

/* The addresses are those given, a list with commas; if it is NULL, those of this machine except
 * loopback and link-local ones, and those that public_name ("" for none) has in DNS, as behind NAT.
 * Returns 0, or -1 with err set. */
int local_addresses_find(struct arena *memory, struct resolver *resolver, const char *given,
			 const char *public_name, struct local_addresses *ret_addresses,
			 struct error *err);

/* Looks up where the names are, side by side. AAAA records are not looked up for names whose A
 * records exclude them, unless the present certificate has them. Wildcards count as NAME_HERE,
 * because DNS-01 does not depend on their addresses. */
void local_names_locate(struct arena *memory, struct resolver *resolver,
			const struct local_addresses *local, struct name_place *places,
			size_t count);

/* Notes that another web server answers at an address of the name: it is NAME_ELSEWHERE. */
void name_place_set_other_server(struct arena *memory, struct name_place *place,
				 const char *address, const char *response);

/* Finds out which of the names that are NAME_ELSEWHERE have no record of their own, but a wildcard
 * record that answers for them, and adds that to the reason. */
void local_names_find_wildcards(struct arena *memory, struct resolver *resolver,
				struct name_place *places, size_t count);
