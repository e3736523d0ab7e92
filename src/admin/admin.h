#pragma once

/* What an administrator's changes to the database need, and the messages and warnings that they
 * produce, which the caller prints. */

#include "util/base.h"
#include "util/string-list.h"

struct settings;
struct store;
struct templates;

/* How long a reader waits, in ms, while another process creates or recovers the database. */
#define READER_PATIENCE_MS 5000

struct admin {
	struct arena *memory;
	const struct settings *settings;
	const char *database;
	bool may_create;      /* the database */
	struct store *store;  /* open as the command's table entry says */
	const char *place;    /* "FILE:LINE" of the command in a batch, else NULL */
	bool ignores_missing; /* --if-exists: nothing similar is looked for */
	bool is_trial;	      /* messages and warnings are suppressed */
	struct texts messages, warnings;
	struct texts hints;		/* for each warning what to do, or "" */
	struct texts invalid_rows;	/* a sentence for each that was skipped */
	struct texts changed_providers; /* names, for providers_warn() */
	bool lacks_rows;		/* the excerpt lacks invalid rows */
};

/* Adds a message about what was done, or a warning. They are printed once the change is committed,
 * so that nothing is reported that was rolled back. */
void admin_say(struct admin *admin, const char *format, ...) __attribute__((format(printf, 2, 3)));
void admin_warn(struct admin *admin, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets what to do about the last warning. */
void admin_hint(struct admin *admin, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Warns with the text of an error and its hint. */
void admin_warn_of_error(struct admin *admin, const struct error *err);

/* From now on lists of this store skip invalid rows, with a warning for each. */
void admin_skip_invalid_rows(struct admin *admin, struct store *store);

/* The server's own host[:port]: by the settings, or as the daemon finds it, this host's own name.
 * "" where that is not known. */
const char *admin_public_name(struct admin *admin);

/* The templates that the daemon uses after a restart, with a warning for each unusable one. The
 * caller owns the reference. */
struct templates *admin_templates(struct admin *admin);
