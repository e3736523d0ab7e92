#pragma once

/*
 * What the files of store/ share: the connection, its prepared statements, and the turning of
 * SQLite's results into ours. The only home of sqlite3.h is this directory.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"
#include "util/arena.h"

/* "mcfd", in the header of every database of ours (PRAGMA application_id). */
#define APPLICATION_ID 0x6d636664
#define APPLICATION_ID_TEXT "0x6d636664"

/* An admin tool waits this long for another one to finish; turning --md5-lookup on for a million
 * users takes some seconds. */
#define STORE_PATIENCE_MS 20000

/* Every statement stands in the table of statements.c and is prepared once, when first used. */
enum statement {
	BEGIN_SNAPSHOT,
	END_SNAPSHOT,
	DATA_VERSION,
	FIND_DOMAIN,
	HAS_DOMAINS,
	HAS_PATTERNS,
	FIND_PROVIDER_BY_ID,
	FIND_PROVIDER_BY_NAME,
	LIST_PROVIDERS,
	ADD_PROVIDER,
	UPDATE_PROVIDER,
	REMOVE_PROVIDER,
	HAS_PUBLIC_NAME,
	LIST_SERVICES,
	ADD_SERVICE,
	REMOVE_SERVICE,
	REMOVE_SERVICES,
	LIST_ASKING_SERVICES,
	LIST_LINKS,
	ADD_LINK,
	ADD_LINK_TEXT,
	REMOVE_LINKS,
	LIST_DOMAINS,
	LIST_MOVED_DOMAINS,
	ADD_DOMAIN,
	UPDATE_DOMAIN,
	REMOVE_DOMAIN,
	FIND_USERS,
	LIST_USERS,
	LIST_USERS_OF_DOMAIN,
	LIST_MOVED_USERS,
	HAS_MOVED_USERS,
	LIST_USERS_OF_PROVIDER,
	COUNT_USERS,
	COUNT_USERS_OF_DOMAIN,
	COUNT_USERS_OF_PROVIDER,
	ADD_USER,
	UPDATE_USER,
	REMOVE_USER,
	REMOVE_USERS,
	NEXT_USER_DOMAIN,
	FIND_MD5,
	USES_MD5,
	PROVIDER_USES_MD5,
	LIST_ALIASES,
	ADD_MD5,
	ADD_MD5S,
	REMOVE_MD5,
	REMOVE_MD5S,
	RENAME_LOGIN,
	USERS_FROM,
	BULK_ADD_USER,
	BULK_UPDATE_USER,
	LIST_PROVIDER_NAMES,
	LIST_DOMAIN_NAMES,
	LIST_LOCALS,
	FIND_SECRET,
	STATEMENTS
};

/* Providers of domains that were read are kept, by id modulo this: most requests ask for one of a
 * few, which then need not be read and parsed again. */
#define PROVIDERS_KEPT 64

struct kept_provider {
	struct arena memory;
	struct provider provider; /* its id is 0 where there is none */
};

struct md5;

struct store {
	sqlite3 *database;
	char *path;
	sqlite3_stmt *statements[STATEMENTS];
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
 * replaces what has that name. Returns 0 or -1 with err set. */
int database_keep(sqlite3 *source, const char *database, const char *target, struct error *err);

/* Makes a change of names in the file's directory safe from a loss of power. Returns 0, or -1 with
 * errno set. */
int directory_sync_of(const char *path);

/* What keeps SQLite from working in the directory of the file, with the remedy: "its file system is
 * mounted read-only ...; mount it ...". NULL where nothing is known. May be in memory. */
const char *file_system_problem(struct arena *memory, const char *path);

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

/* Turns SQLite's last failure into STORE_BUSY, or -1 with err set: "database 'FILE': DOING: ...".
 */
int store_fail(struct store *store, struct error *err, const char *doing);

/*
 * A statement in use: reset when it goes out of scope, so that it never holds a lock for longer.
 *
 *     _cleanup_(query_endp) sqlite3_stmt *query = NULL;
 *     if (query_begin(store, FIND_DOMAIN, &query, err) < 0) ...
 */
int query_begin(struct store *store, enum statement statement, sqlite3_stmt **ret_query,
		struct error *err);
void query_endp(sqlite3_stmt **query);

/* Binds a text that outlives the query; NULL binds NULL. Parameters count from 1. */
void query_bind_text(sqlite3_stmt *query, int parameter, const char *text);

/* Binds the attributes in a table from the members of a struct, as row_attributes() reads them.
 * Texts are borrowed. Returns the next parameter. */
int query_bind_attributes(sqlite3_stmt *query, int parameter, const struct option *options,
			  const void *row);

/* Steps a query that gives no rows. Returns 0, STORE_EXISTS (a unique name is taken), STORE_BUSY,
 * or -1 with err set. */
int query_run(struct store *store, sqlite3_stmt *query, const char *doing, struct error *err);

/* Runs a query that gives one row of 0 or 1, with the text, unless it is NULL, as its parameter.
 * Returns 0, STORE_BUSY, or -1 with err set. */
int query_truth(struct store *store, enum statement statement, const char *text, bool *ret_truth,
		const char *doing, struct error *err);

/*
 * The row that a query stands on. All columns are read through it: each reading checks NULL, the
 * type, the length and the range. The first column that is invalid is remembered, and what is read
 * of it has a value that can be used; row_end() tells at the end.
 *
 *     struct row row = row_begin(store, memory, query, TABLE_USER);
 *     const char *login = row_text(&row, 2);
 *     if (row_end(&row, err) < 0) ...
 */
enum table {
	TABLE_DOMAIN, /* DOMAIN_COLUMNS */
	TABLE_USER,   /* USER_COLUMNS, or what else begins with the domain and the local part */
	TABLE_USER_MD5,
	TABLE_PROVIDER, /* PROVIDER_COLUMNS */
	TABLE_SERVICE,
	TABLE_LINK,
	TABLE_SECRET,
	TABLE_NAMES, /* a column of some table, or a result */
};

struct row {
	struct store *store;
	struct arena *memory;
	sqlite3_stmt *query;
	enum table table;
	int invalid;	    /* the first invalid column, -1 for none */
	const char *reason; /* "is NULL" */
};

/* Texts are copied to memory; where that is NULL they are the statement's, until its next step. */
struct row row_begin(struct store *store, struct arena *memory, sqlite3_stmt *query,
		     enum table table);

/* A text without NUL characters; "" where the column is invalid. */
const char *row_text(struct row *row, int column);
const char *row_text_or_null(struct row *row, int column);

/* Between low and high; low where the column is invalid. NULL stands for the number null. */
int64_t row_integer(struct row *row, int column, int64_t low, int64_t high);
int64_t row_integer_or_null(struct row *row, int column, int64_t low, int64_t high, int64_t null);

/* 0 or 1. */
bool row_truth(struct row *row, int column);

/* One of the words in "documentation|enable": its index. */
unsigned row_choice(struct row *row, int column, const char *words);

/* The attributes in a table, into the members of a struct; the first one is in this column.
 * Returns the column after the last. */
int row_attributes(struct row *row, int column, const struct option *options, void *ret_row);

/* A blob of exactly this size. Returns whether it is one. */
bool row_blob(struct row *row, int column, void *ret_bytes, size_t size);

/* Calls the column invalid for a reason of the caller's, a constant. */
void row_reject(struct row *row, int column, const char *reason);

/* Returns 0, or -1 with err set to ERROR_ROW: which row is invalid, why, and the remedy. */
int row_end(const struct row *row, struct error *err);

/* The same within a list. Also: ROW_SKIPPED, where store_skip_invalid_rows() was called. */
enum { ROW_SKIPPED = 1 };
int row_end_in_list(const struct row *row, struct error *err);

/* Loads a provider to answer with: a service that means nothing is an error. Returns as
 * store_find_provider(), or STORE_BUSY. */
int provider_find_by_id(struct store *store, struct arena *memory, int64_t id,
			struct provider *ret_provider, struct error *err);

/* Whether a row that means nothing is an error, or told apart: what the rows hold was checked when
 * it was written, but a hand with sqlite3 may have been at it. */
enum row_trust { ROWS_MUST_BE_GOOD, ROWS_MAY_BE_SPOILED };

/* Loads the provider's services, found by its id, which its name stands for in the error. Returns
 * 0, STORE_BUSY, or -1 with err set. */
int services_load(struct store *store, struct arena *memory, enum row_trust trust,
		  struct provider *provider, struct error *err);

/* Loads the provider's links, found by its id. Returns 0, STORE_BUSY, or -1 with err set. */
int links_load(struct store *store, struct arena *memory, struct provider *provider,
	       struct error *err);

/* A domain row as match.c needs it. */
struct domain_row {
	struct domain domain;
	int64_t provider; /* its id, 0 for none */
};

/* Returns 0, STORE_NOT_FOUND, STORE_BUSY, or -1 with err set. */
int domain_row_find(struct store *store, struct arena *memory, const char *name,
		    struct domain_row *ret_row, struct error *err);
int domain_row_serving(struct store *store, struct arena *memory, const char *name,
		       struct domain_row *ret_row, struct error *err);

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
