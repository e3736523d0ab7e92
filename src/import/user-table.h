#pragma once

/*
 * Tables of users from other programs: addresses, each with its login. user-table.c lists the
 * formats.
 */

#include "import/line-reader.h"
#include "util/base.h"

struct user;

/* Which optional values a row has. Values that it does not have stay unchanged. */
enum {
	ROW_HAS_NAME = 1,
	ROW_HAS_PROVIDER = 2,
	ROW_HAS_MOVED_TO = 4,
};

/* One row, as written. Strings are valid until the next row. */
struct user_row {
	unsigned long line;
	const char *address; /* "@example.org" is the catch-all */
	const char *login;   /* NULL if its line was skipped: a present user stays unchanged */
	const char *name, *provider, *moved_to; /* "" or NULL for none */
	unsigned has;
};

/* A domain that a table mentions, in this installation. */
struct table_domain {
	bool is_served;
	const char *name;	/* in its normal form, NULL if it is invalid */
	const char *alias_of;	/* the domain whose users it shares, or NULL */
	const char *delimiters; /* recipient delimiters */
};

struct user_table {
	struct source source;
	void *context;

	/* Options. */
	const char *domain; /* of addresses without one, in its normal form; or NULL */
	const char *address_attributes, *login_attribute, *name_attribute; /* of LDIF */

	/* Gets a row. Returns 0 or -1 with err set. */
	int (*row)(const struct user_row *row, void *context, struct error *err);

	/* Gets a valid line that does not stand for one mailbox. */
	bad_line skip;
	void *skipped; /* its context */

	/*
	 * Lookups of what the daemon will answer for an address that the table does not have: its
	 * domain, as written; the login of the present user "local@domain" (or the catch-all), in
	 * normal form, if the import keeps that user or in_table is true; and the login that an
	 * address without a user gets, as written. NULL for none. Strings live in memory, or until
	 * the next domain_find(). All return 0, or -1 with err set.
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

	/* Reads all rows. Returns 0, whatever bad lines there are, or -1 with err set. */
	int (*read)(struct user_table *table, struct error *err);
};

extern const struct table_format *const table_formats[]; /* ends with NULL */
const struct table_format *table_format_find(const char *name);

extern const struct table_format format_csv;
extern const struct table_format format_ldif;
extern const struct table_format format_postfix_virtual_alias;
extern const struct table_format format_postfix_sender_login;
extern const struct table_format format_aliases;
extern const struct table_format format_dovecot_passwd;

void table_skip(struct user_table *table, unsigned long line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Write mailconfctl's own CSV: its header, then a line for each user. */
void user_csv_begin(FILE *stream);
void user_csv_write(FILE *stream, const struct user *user);
