#pragma once

/* What the files of store/ share: the connection, and what they offer each other. The only home of
 * sqlite3.h is this directory. */

#include <sqlite3.h>

#include "store/statements.h"
#include "store/store.h"
#include "util/base.h"

/* "mcfd", in the header of every database of ours (PRAGMA application_id). */
#define APPLICATION_ID 0x6d636664
#define APPLICATION_ID_TEXT "0x6d636664"

/* What store_set_lock_timeout() has set, in milliseconds. */
int store_lock_timeout(void);

/* Providers of domains that were read are kept, by id modulo this: most requests ask for one of a
 * few, which then need not be read and parsed again. */
#define PROVIDERS_KEPT 64

struct kept_provider {
	struct arena memory;
	struct provider provider; /* its id is 0 where there is none */
};

struct md5;
struct row;

struct store {
	sqlite3 *database;
	char *path;
	sqlite3_stmt *prepared[STATEMENTS];
	bool in_snapshot;
	bool is_new;	    /* was created when it was opened */
	bool is_patient;    /* waits for locks */
	bool has_bad_pages; /* SQLite's cache holds pages that are corrupted, or were */
	invalid_row_visitor note_invalid_row; /* NULL: lists fail at the first */
	void *note_context;
	int64_t waiting_since; /* for a lock, in milliseconds */
	struct kept_provider kept[PROVIDERS_KEPT];
	int64_t data_version; /* that they are of */
};

/* The version of the schema that this program knows: the number of migrations. */
int schema_version(void);

/* Brings the open database up to schema_version(). A copy of what it was is kept beside it, as
 * DATABASE.schema-VERSION, and the one before that. Returns 0 or -1 with err set. */
int store_migrate(struct store *store, struct error *err);

/* The same of a copy, of which none is kept. Sets the version that it had. */
int store_migrate_copy(struct store *store, int64_t *ret_version, struct error *err);

/* Copies a database to a file for its owner alone, which has its name once it is whole, and
 * replaces what has that name. Another connection reads it, while the caller's keeps writers away.
 * Returns 0 or -1 with err set. */
int database_keep(const char *database, const char *target, struct error *err);

/* Copies the rest of one file to another. Returns 0, or -1 with errno set. */
int copy_bytes(int from, int to);

/* Makes a change of names in the file's directory safe from a loss of power. Returns 0, or -1 with
 * errno set. */
int directory_sync_of(const char *path);

/* Sets err and its hint to what keeps SQLite from working in the directory of the file. Returns -1,
 * or 0 where nothing is known. */
int file_system_check(const char *path, struct error *err);

/* Whether it has no POSIX locks. Creates a file without a name to find that out. */
bool file_system_lacks_locks(const char *path);

/* Waits as sqlite3_busy_timeout() does, unless there are no locks to wait for. A busy handler, for
 * the store. */
int store_wait_for_lock(void *store, int count);

/* After a failure to open it, which r stands for: returns -1 with err set to what is wrong with the
 * file system where that can be the cause, else r. */
int file_system_explain(struct store *store, int r, struct error *err);

/* Runs SQL text without results. Returns 0, STORE_BUSY, or -1 with err set. */
int store_execute(struct store *store, const char *sql, struct error *err);

/* Reads a number, such as a pragma's. Returns 0, STORE_BUSY, or -1 with err set. */
int store_number(struct store *store, const char *sql, int64_t *ret_number, struct error *err);

/* What repairs a corrupted database. */
#define RESTORE_HINT "restore a backup with 'mailconfctl restore FILE'"

/* Sets the error of a command that has waited for a lock in vain. Returns -1. */
int store_set_in_use(const char *path, struct error *err);

/* Turns SQLite's last failure into STORE_BUSY, or -1 with err set: "database 'FILE': DOING: ...".
 */
int store_fail(struct store *store, struct error *err, const char *doing);

/* Loads a provider to answer with: an invalid service is an error. Returns as
 * store_find_provider(), or STORE_BUSY. */
int provider_find_by_id(struct store *store, struct arena *memory, int64_t id,
			struct provider *ret_provider, struct error *err);

/* Loads the provider's services, found by its id; invalid services are kept apart. Returns 0,
 * STORE_BUSY, or -1 with err set. */
int services_load(struct store *store, struct arena *memory, struct provider *provider,
		  struct error *err);

/* Loads the provider's links, found by its id. Returns 0, STORE_BUSY, or -1 with err set. */
int links_load(struct store *store, struct arena *memory, struct provider *provider,
	       struct error *err);

/* The row of TABLE_USER with USER_COLUMNS. */
struct user user_read(struct row *row);

/*
 * The MD5s by which people are found (md5.c): kept in step by every change that could touch them.
 * register gives the connection the SQL function that makes them. find gives the local part in its
 * normal form, or STORE_NOT_FOUND. Return 0, STORE_BUSY, or -1 with err set.
 */
int md5_register(struct store *store, struct error *err);
int md5_find(struct store *store, struct arena *memory, const char *domain, const struct md5 *md5,
	     const char **ret_local, struct error *err);
int md5_is_used_by(struct store *store, int64_t provider, bool *ret_is_used, struct error *err);
int md5_follow_user(struct store *store, const char *address, struct error *err);
int md5_follow_domain(struct store *store, const char *name, struct error *err);
int md5_follow_provider(struct store *store, const char *name, struct error *err);
