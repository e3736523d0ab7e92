#pragma once

/* Which names resolve to this server: those whose addresses in DNS are all addresses of this
 * server, because a certificate authority (CA) may connect to any of them. */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;
struct resolver;

struct ours {
	const char **addresses; /* as inet_ntop(3) writes them */
	size_t count;
	const char *doubt; /* why addresses may be missing, or NULL */
};

enum whereabouts {
	HERE,
	NOWHERE,   /* DNS has no address for the name */
	ELSEWHERE, /* at least one of its addresses is not ours, or another web server answers */
	UNKNOWN,   /* no answer: a temporary failure, which says nothing about the name */
};

struct name_place {
	const char *name;
	bool is_optional; /* of the caller: no warning if it is left out */
	bool is_held;	  /* of the caller: the present certificate has it */

	/* Filled in. */
	enum whereabouts where;
	const char *reason;	/* unless it is HERE: a predicate, as in "autoconfig.D REASON" */
	const char **addresses; /* in DNS */
	size_t n_addresses;
	const char *stranger; /* the address that is not ours, or where another server answers */
	const char *response; /* of that server, as in "HTTP 404"; NULL if none was seen */
	const char *unseen;   /* the address that cannot be reached from here and why, or NULL */
};

/* Our addresses are those given, a list with commas; if it is NULL, those of this machine except
 * loopback and link-local ones, and those that public_name ("" for none) has in DNS, as behind NAT.
 * Returns 0, or -1 with err set. */
int ours_find(struct arena *memory, struct resolver *resolver, const char *given,
	      const char *public_name, struct ours *ret_ours, struct error *err);

bool ours_have(const struct ours *ours, const char *address);

/* Looks up where the names are, side by side. Wildcards count as HERE, because DNS-01 does not
 * depend on their addresses. */
void ours_locate(struct arena *memory, struct resolver *resolver, const struct ours *ours,
		 struct name_place *places, size_t count);

/* Notes that another web server answers at an address of the name, which thus is ELSEWHERE. */
void ours_note_stranger(struct arena *memory, struct name_place *place, const char *address,
			const char *response);

/* Finds out which of the names that are ELSEWHERE have no record of their own, but a wildcard
 * record that answers for them, and says so in the reason. */
void ours_find_wildcards(struct arena *memory, struct resolver *resolver, struct name_place *places,
			 size_t count);
