#pragma once

/* What came of an order: lines for people, or an entry of JSON. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct order;

struct outcome {
	const char *domain, *word; /* the word is for programs, the remark for people */
	const char *remark, *problem;
	bool is_repeated;	   /* the problem, which was reported before */
	const struct order *order; /* or NULL */
	const char *const *names;  /* that are requested */
	size_t n_names;
	const char *file, *expires; /* or NULL */
	const char *unserved;	    /* why it is stored, but perhaps not served; or NULL */
	const char *kept_until;	    /* the day when names are dropped, or NULL */
	bool is_unanswered;	    /* the problem is that DNS gives no answer */
	bool is_refused;	    /* the problem is that the CA would refuse the order */
};

json_t *outcome_entry(const struct outcome *outcome);
void outcome_print(struct arena *memory, const struct outcome *outcome);
