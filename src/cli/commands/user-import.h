#pragma once

/*
 * 'user import' in two halves. Reading takes rows from a table, turns them into records and sorts
 * them by address, whatever their number; writing lays them beside the users that there are, in one
 * transaction. Whatever is wrong with a line goes into a report, and then nothing is written.
 */

#include <stdint.h>

#include "cli/import-report.h"
#include "cli/progress.h"
#include "import/user-table.h"
#include "mail/provider.h"
#include "store/bulk.h"
#include "util/arena.h"
#include "util/input.h"
#include "util/sorter.h"

struct admin;
struct error;

/* A user as it goes through the sorter; strings lie in the record. Records of one address follow
 * each other in the order of their lines. */
struct record {
	const char *domain, *local;
	const char *login;	     /* "" where its line was skipped, and the user stays */
	const char *name, *moved_to; /* "" for none */
	int64_t provider;	     /* its id, 0 for none */
	unsigned has;		     /* as of struct row */
	unsigned long line;
};

/* The last line in their order. */
#define RECORD_LINE_MAX (((unsigned long)1 << 40) - 1)

/* Returns 0 or -1 with err set. */
int record_add(struct sorter *sorter, const struct record *record, struct error *err);

/* The record that was added as these bytes, of which it borrows. */
struct record record_read(const char *bytes);

struct import_provider {
	const char *name;
	int64_t id; /* 0: there is none of this name */
};

struct import {
	struct admin *admin;
	struct input input;
	struct table table;
	struct report bad, skipped;
	struct sorter *sorter;
	struct progress progress;

	/* Of reading. */
	struct arena row_memory;
	const char *typed_domain, *domain; /* of the row before, as written and as it is */
	char domain_room[2][1024];
	struct arena asked_memory;
	const char *asked_domain;	   /* of the table's question before, as written, */
	struct table_domain asked;	   /* and the answer, */
	struct provider asked_provider;	   /* of this provider, where it is served */
	struct import_provider *providers; /* that rows have named */
	size_t n_providers;
	size_t n_rows;
	size_t n_misread;    /* rows whose login Thunderbird takes for something else */
	char *misread_login; /* the first of these */

	/* Of writing. */
	struct bulk_scope scope;
	struct row_counts counts;
	struct row_counts *counts_of_domains; /* of the scope */
	const char **providers_before;	       /* that users had and no longer have */
	size_t n_providers_before;
};

/* Whether users of the domain that the table does not have are removed. */
bool import_replaces(const struct import *import, const char *domain);

/* Lets the table ask what the daemon will say of addresses that it does not have. */
void import_answer(struct table *table);

/* Reads all of the table, in this format. Returns 0, whatever bad lines there were, or -1 with err
 * set. */
int import_read(struct import *import, const struct table_format *format, struct error *err);

/* Writes what was read, within the transaction that is begun already, where nothing is bad; else
 * only looks for more that is. Returns 0 or -1 with err set. */
int import_write(struct import *import, struct error *err);
