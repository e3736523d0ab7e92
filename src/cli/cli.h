#pragma once

/* What a command works with, and what it has to say. */

#include <stdbool.h>

#include "cli/file-argument.h"
#include "util/bytes.h"

struct arena;
struct error;
struct settings;
struct store;
struct templates;

/* A reader meets a lock only while another process makes the database or recovers it. */
#define READER_PATIENCE_MS 5000

struct cli {
	struct arena *memory;
	const struct settings *settings;
	const char *database;
	bool may_create;     /* the database */
	struct store *store; /* open as the command's table entry says */
	struct files files;  /* likewise */
	bool is_json;
	const char *place;     /* "FILE:LINE" of the command in a batch, else NULL */
	bool is_trial;	       /* messages and warnings are suppressed */
	struct bytes said;     /* lines, held back until the changes are in the database */
	struct bytes warned;   /* likewise */
	unsigned invalid_rows; /* that were reported */
	bool lacks_rows;       /* the excerpt lacks invalid ones */
	struct bytes changed;  /* names of providers to look at, each with the NUL at its end */
};

/* Says on standard output what was done, or warns, once the change is committed: a change that is
 * taken back shall not be reported. One line each, without its end. */
void cli_say(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_warn(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* From now on lists of this store leave out rows that are invalid, and warn of each. */
void cli_skip_invalid_rows(struct cli *cli, struct store *store);

/* Opens the database for a change unless it is open, and where there is none makes it, or says so:
 * a dry run makes none, nor what only adds to others. Commands that read something call it
 * afterwards. Returns 0 or -1 with err set. */
int cli_open(struct cli *cli, bool makes_it, struct error *err);

/* Opens it and begins a change that is committed when the command is done; in a batch both are done
 * already. Other admins wait from here on. Returns 0 or -1 with err set. */
int cli_begin(struct cli *cli, struct error *err);

/* The server's own host[:port], by the settings or, where they have none, as the daemon does: this
 * host's own. "" where that is not known. */
const char *cli_public_name(struct cli *cli);

/* The templates that the daemon uses after a restart. Those that it cannot use are warned of. The
 * caller owns the reference. */
struct templates *cli_templates(struct cli *cli);

/* What every change ends with: it is looked at as a whole, for what no single command can see, and
 * then committed, or only taken back where is_dry. Returns 0, or -1 with err set. */
int cli_commit(struct cli *cli, bool is_dry, struct error *err);

/* Runs the program. Returns its exit status. */
int cli_run(int argc, char *const *argv);
