#pragma once

/* Which names lead here: those of which every address in DNS is one of ours. An authority may ask
 * at any of them. */

#include <stddef.h>

struct arena;
struct error;
struct resolver;

struct ours {
	const char **addresses; /* as inet_ntop(3) writes them */
	size_t count;
};

enum whereabouts {
	HERE,
	NOWHERE,   /* the name is not in DNS */
	ELSEWHERE, /* at least one of its addresses is not ours */
	UNKNOWN,   /* DNS gave no answer */
};

struct name_place {
	const char *name;
	enum whereabouts where;
	const char *reason; /* but for HERE: what to tell, as in "autoconfig.example.org: REASON" */
};

/* Ours are those given, a list with commas; or where it is NULL those of this machine, but for the
 * ones that only it or its neighbours can reach, and those that public_name ("" for none) has in
 * DNS, as behind a router that translates addresses. Returns 0, or -1 with err set. */
int ours_find(struct arena *memory, struct resolver *resolver, const char *given,
	      const char *public_name, struct ours *ret_ours, struct error *err);

/* Finds out where the names are: all at once. */
void ours_locate(struct arena *memory, struct resolver *resolver, const struct ours *ours,
		 struct name_place *places, size_t count);
