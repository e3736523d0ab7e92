#pragma once

/* Limits how many rows the import of a file may remove: an empty export must not empty the table.
 */

#include "cli/command.h"
#include "util/base.h"

struct arguments;
struct admin;

extern const struct option removal_options[]; /* --max-removals */

struct removals {
	struct admin *admin;
	unsigned long max;
	bool is_percent;
	bool only_warns; /* a dry run continues, to print all changes */
};

/* Reads --max-removals ("100" or "25%", default: 10%) and --dry-run. Returns 0 or -1 with err
 * set. */
int removals_parse(struct admin *admin, const struct arguments *arguments,
		   struct removals *ret_removals, struct error *err);

/* Refuses to remove more than the limit of all rows, each of them a 'what' ("user"). Returns 0 or
 * -1 with err set. */
int removals_check(const struct removals *removals, const char *what, int64_t removed, int64_t all,
		   struct error *err);

/* The same for one of several domains: a percentage limits each, a number limits only all together.
 * in_all is how many are removed in all domains. domain may be NULL, for all. */
int removals_check_part(const struct removals *removals, const char *what, const char *domain,
			int64_t removed, int64_t all, int64_t in_all, struct error *err);
