#pragma once

/*
 * The commands of mailconfctl: a file has those of a family, or one large command,
 * and command.c lists them by family.
 * Parsing, help and completion all read these tables, so that they cannot disagree.
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

/* What the first argument is, for the framework to open: see cli/file-argument.h. */
enum file_use {
	FILE_NONE,
	FILE_INPUT,  /* is read; none or "-" is standard input, and a URL is left alone */
	FILE_BACKUP, /* a whole database of ours, to be read */
	FILE_OUTPUT, /* is written, and replaced with the option --force; none or "-" is standard
		      * output */
	FILE_SQLITE, /* a database of another program, to be read */
};

#define OPTION_TABLES_MAX 4

struct command {
	const char *name;      /* "user add", or that of a family that is a command by itself */
	const char *arguments; /* as help shows them, and as they are counted: "NAME [URL ...]" */
	const char *summary;   /* one line, an imperative sentence without its period */
	const char *details;   /* or NULL */
	const char *example;   /* one or more lines, without the last one's end */
	const struct option *options[OPTION_TABLES_MAX];
	const char *changes; /* what is missing where no option is given, or NULL for nothing */
	enum database_use database;
	bool skips_invalid_rows; /* and reports them, so that the others can be seen */
	enum file_use file;
	bool creates_database; /* also one that --database names */

	/* For command_run(). */
	int (*run)(struct admin *admin, const struct arguments *arguments, struct error *err);
};

struct family {
	const char *name;
	const char *title;		       /* the heading in help, which neighbours may share */
	const struct command *const *commands; /* ends with NULL */
};

extern const struct family families[]; /* ends with one without a name */

extern const struct command provider_add, provider_set, provider_list, provider_show,
	provider_remove, provider_import;
extern const struct command service_add, service_set, service_list, service_remove;
extern const struct command link_add, link_set, link_list, link_remove;
extern const struct command domain_add, domain_set, domain_list, domain_show, domain_remove,
	domain_enable, domain_disable, domain_import, domain_export;
extern const struct command user_add, user_set, user_show, user_list, user_remove,
	user_rename_login, user_import, user_export;
extern const struct command certificate_list, certificate_request, certificate_renew,
	certificate_prune;
extern const struct command command_batch, import_from_automx2, command_export, command_apply,
	command_backup, command_restore, command_preview, command_dns, command_doctor,
	command_log_hash, command_init;

/* Of every command that removes: --if-exists. command_run() then ignores ERROR_MISSING. */
extern const struct option if_exists_options[];

/* "add"; NULL for a family that is a command by itself. */
const char *command_verb(const struct command *command);
