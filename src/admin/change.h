#pragma once

/* A change: its transaction, and the checks that end it. */

#include "util/base.h"

struct admin;

/* Opens the database for a change unless it is open. Where there is none, creates it if creates and
 * may_create are true: a dry run creates none, nor does a command that only adds to existing rows.
 * Commands that read input first call it afterwards. Returns 0 or -1 with err set. */
int admin_open(struct admin *admin, bool creates, struct error *err);

/* Opens the database and begins a change, unless a batch has done so. Other writers wait from here
 * on. Returns 0 or -1 with err set. */
int admin_begin(struct admin *admin, struct error *err);

/* Ends every change: checks the database as a whole for what no single command can see, then
 * commits, or only rolls back where is_dry. Returns 0, or -1 with err set. */
int admin_commit(struct admin *admin, bool is_dry, struct error *err);
