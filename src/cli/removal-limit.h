#pragma once

/* How many rows a file that replaces others may remove: an empty export must not empty the table.
 */

#include <stdint.h>

#include "cli/command.h"

struct arguments;
struct admin;
struct error;

extern const struct option removal_options[]; /* --max-removals */

struct removals {
	struct admin *admin;
	unsigned long max;
	bool is_percent;
	bool only_warns; /* that it would be refused: a dry run tells all that it would do */
};

/* Reads --max-removals: "100" or "25%"; 10 % where it is not given; and --dry-run. Returns 0 or -1
 * with err set. */
int removals_parse(struct admin *admin, const struct arguments *arguments,
		   struct removals *ret_removals, struct error *err);

/* Refuses to remove so many of them all. what names one of them: "user". Returns 0 or -1 with err
 * set. */
int removals_check(const struct removals *removals, const char *what, int64_t removed, int64_t all,
		   struct error *err);

/* The same for those of one domain of several, where in_all are removed: --max-removals as a number
 * is for all of them, as a part for each. */
int removals_check_part(const struct removals *removals, const char *what, const char *domain,
			int64_t removed, int64_t here, int64_t in_all, struct error *err);
