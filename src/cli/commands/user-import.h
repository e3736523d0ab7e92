#pragma once

/*
 * 'user import' in two steps: user-import-read.c turns the rows of a table into records and sorts
 * them by address in bounded memory; user-import.c merges the records with the users of the
 * database, in one transaction. Invalid lines go into a report, and then nothing is written.
 */

#include "cli/import-report.h"
#include "cli/print.h"
#include "import/user-table.h"
#include "mail/provider.h"
#include "store/bulk.h"
#include "util/base.h"
#include "util/file.h"
#include "util/sorter.h"

struct admin;

/* A user of the file. Without a login its line was skipped, and the user of the database stays. */
struct user_record {
	struct bulk_user user;
	unsigned long line;
};

/* Decodes a record of the sorter, from which it borrows. */
struct user_record user_record_read(const char *bytes);

struct user_import {
	struct admin *admin;
	struct input input;
	struct user_table table;
	struct report bad, skipped;
	struct sorter *sorter; /* records of one address are in the order of their lines */
	struct progress progress;
	struct bulk_scope scope; /* of --replace and --replace-all */
	struct row_counts counts;
	size_t n_misread;	   /* users whose login Thunderbird takes for something else */
	const char *misread_login; /* the first of these */
};

/* Whether --replace names the domain. */
bool user_import_names_domain(const struct user_import *import, const char *domain);

/* Reads the whole table. Returns 0, whatever invalid lines there were, or -1 with err set. */
int user_import_read(struct user_import *import, const struct table_format *format,
		     struct error *err);
