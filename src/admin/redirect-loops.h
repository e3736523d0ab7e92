#pragma once

/* Whatever would send clients in a circle. */

struct admin;
struct error;

/*
 * Looks at all that the database has now, in the middle of a change: moves of domains and users
 * that lead back, or on and on; moves to a URL at this server; services that lead clients to where
 * they ask it. What a change brings is refused. What was so before is warned of: it must not keep
 * other changes from being made. Costs nothing where nobody moved. Returns 0, or -1 with err set.
 */
int loops_check(struct admin *admin, struct error *err);
