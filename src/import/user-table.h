#pragma once

/*
 * Tables of users as other programs keep them: addresses, and the login that belongs to each. A
 * format is a file with its reader; user-table.c lists them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "import/line-reader.h"

struct arena;
struct error;
struct user;

/* What a row may say beside address and login; what it does not say is left as it is. */
enum {
	ROW_HAS_NAME = 1,
	ROW_HAS_PROVIDER = 2,
	ROW_HAS_MOVED_TO = 4,
};

/* One row, as it is written; strings are the table's, until the next row. */
struct row {
	unsigned long line;
	const char *address; /* "@example.org" is the catch-all */
	const char *login;   /* NULL where its line was skipped: who is there stays as it is */
	const char *name, *provider, *moved_to; /* "" or NULL for none */
	unsigned has;
};

/* What is known here of a domain that a table mentions. */
struct table_domain {
	bool is_served;
	const char *name;	/* in its normal form, NULL where it has none */
	const char *alias_of;	/* the domain whose users it shares, or NULL */
	const char *delimiters; /* of tags */
};

struct table {
	struct source source; /* is told of bad lines */
	void *context;

	/* What the options say. */
	const char *domain; /* of addresses without one, in its normal form; or NULL */
	const char *address_attributes, *login_attribute, *name_attribute; /* of LDIF */

	/* Takes a row. Returns 0 or -1 with err set. */
	int (*row)(const struct row *row, void *context, struct error *err);

	/* Is told of a line that is right, but does not belong to one mailbox. */
	bad_line skip;

	/*
	 * What the daemon will say of an address that the table does not have: the domain, as
	 * written; the login of the user "local@domain" (or the catch-all), in normal form, who is
	 * there and stays beside those of the table, or who is there at all where in_table; and the
	 * login that an address, as written, gets where it has no user. NULL for none. Strings live
	 * in memory, or until the next domain is asked for. All return 0, or -1 with err set.
	 */
	int (*domain_find)(struct arena *memory, const char *domain,
			   struct table_domain *ret_domain, void *context, struct error *err);
	int (*login_there)(struct arena *memory, const char *address, bool in_table,
			   const char **ret_login, void *context, struct error *err);
	int (*login_made)(struct arena *memory, const char *address, const char **ret_login,
			  void *context, struct error *err);
};

struct table_format {
	const char *name;

	/* Reads all rows. Returns 0, whatever bad lines there were, or -1 with err set. */
	int (*read)(struct table *table, struct error *err);
};

extern const struct table_format *const table_formats[]; /* ends with NULL */
const struct table_format *table_format_find(const char *name);

extern const struct table_format format_csv;
extern const struct table_format format_ldif;
extern const struct table_format format_postfix_virtual_alias;
extern const struct table_format format_postfix_sender_login;
extern const struct table_format format_aliases;
extern const struct table_format format_dovecot_passwd;

void table_skip(struct table *table, unsigned long line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes the CSV of our own: its header, then a line for each user. */
void user_csv_begin(FILE *stream);
void user_csv_write(FILE *stream, const struct user *user);
