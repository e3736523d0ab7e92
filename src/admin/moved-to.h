#pragma once

/* Where clients of a domain or a user that moved are redirected to. */

#include "util/base.h"

/* The text of --moved-to for a domain: an https URL, or another domain. '' gives NULL. Returns 0,
 * or -1 with err set. */
int moves_parse_domain(struct arena *memory, const char *text, const char **ret_target,
		       struct error *err);

/* Likewise for a user: another address. */
int moves_parse_user(struct arena *memory, const char *text, const char **ret_target,
		     struct error *err);
