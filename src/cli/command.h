#pragma once

/*
 * The commands of mailconfctl. A family is a file with its commands; commands.c lists the
 * families. Parsing, help and completion all read these tables, so that they cannot disagree.
 */

#include "mail/attribute.h"
#include "util/base.h"

struct admin;
struct arguments;

enum database_use {
	DATABASE_NONE,
	DATABASE_READ,
	DATABASE_COPY,	      /* of whatever version */
	DATABASE_EXCERPT,     /* run() needs root's rights and gets what excerpt.h says */
	DATABASE_CHANGE,      /* in one transaction, committed when run() returns 0 */
	DATABASE_LATE_CHANGE, /* likewise, but run() begins it with admin_begin(), once it has read
			       */
	DATABASE_OWN_CHANGE,  /* run() opens it with admin_open(), begins and commits */
};

/* What the first argument is, for the framework to open: see files.h. */
enum file_use {
	FILE_NONE,
	FILE_INPUT,  /* is read; none or "-" is standard input, and a URL is left alone */
	FILE_BACKUP, /* a whole database of ours, to be read */
	FILE_OUTPUT, /* is written, and replaced with the option --force; none or "-" is standard
		      * output */
	FILE_SQLITE, /* a database of another program, to be read */
};

#define OPTION_TABLES_MAX 3

struct command {
	const char *family;
	const char *verb;      /* NULL for a family that is a command by itself */
	const char *arguments; /* as help shows them, and as they are counted: "NAME [URL ...]" */
	const char *summary;   /* one line, an imperative sentence without its period */
	const char *details;   /* or NULL */
	const char *example;   /* one or more lines, without the last one's end */
	const struct option *options[OPTION_TABLES_MAX];
	enum database_use database;
	bool skips_invalid_rows; /* and reports them, so that the others can be seen */
	enum file_use file;
	bool creates_database; /* also one that --database names */

	/* Returns 0, or -1 with err set; what it changed is then taken back. */
	int (*run)(struct admin *admin, const struct arguments *arguments, struct error *err);
};

struct family {
	const char *name;
	const char *title;		       /* the heading in help, which neighbours may share */
	const struct command *const *commands; /* ends with NULL */
};

extern const struct family *const families[]; /* ends with NULL */

/* Of every command that removes: --if-exists. */
extern const struct option if_exists_options[];

/* Commands that have a file of their own. */
extern const struct command provider_import;

extern const struct family family_provider;
extern const struct family family_service;
extern const struct family family_link;
extern const struct family family_domain;
extern const struct family family_user;
extern const struct family family_preview;
extern const struct family family_log_hash;
extern const struct family family_init;
extern const struct family family_batch;
extern const struct family family_import;
extern const struct family family_export;
extern const struct family family_apply;
extern const struct family family_backup;
extern const struct family family_restore;

/* Commands of families that have a file of their own. */
extern const struct command user_import;
extern const struct command user_export;
extern const struct command domain_import;
extern const struct command domain_export;
extern const struct family family_dns;
extern const struct family family_certificate;

extern const struct family family_doctor;

/* Of the family certificate, in files of their own. */
extern const struct command certificate_request;
extern const struct command certificate_renew;
extern const struct command certificate_prune;
