#pragma once

/* What the files of store/ share: the connection, statements and their rows, and what they offer
 * each other. The only home of sqlite3.h is this directory. */

#include <sqlite3.h>

#include "store/store.h"
#include "util/base.h"

struct option;

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

/* A hash table of the statements that are prepared: the program has about sixty. */
#define STATEMENTS_MAX 256

struct prepared {
	const char *sql; /* NULL in a free place */
	sqlite3_stmt *query;
};

struct store {
	sqlite3 *database;
	char *path;
	struct prepared prepared[STATEMENTS_MAX];
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

/* A statement, which is prepared once for each store, when it is first used; its text must be a
 * literal, whose address it is found by. "@provider" stands for the columns of the attributes in
 * provider_options, "?provider" for a parameter each; likewise service and pop3. */
struct statement {
	const char *doing; /* for errors: "looking up a domain" */
	const char *sql;
	enum {
		TABLE_NAMES, /* a column of some table, or a result */
		TABLE_DOMAIN,
		TABLE_USER, /* begins with the domain and the local part */
		TABLE_PROVIDER,
		TABLE_SERVICE,
		TABLE_LINK,
		TABLE_SECRET,
		TABLE_USER_MD5,
	} table; /* whose rows it gives, for errors */
};

#define SQL(doing, sql) ((struct statement){ doing, sql, TABLE_NAMES })
#define SQL_OF(table, doing, sql) ((struct statement){ doing, sql, table })

/* A parameter of a statement. Texts and blobs must outlive the statement's use. */
struct sql_value {
	enum { VALUE_END, VALUE_TEXT, VALUE_NUMBER, VALUE_BLOB } type;
	const void *data;
	int64_t number; /* or the size of data, -1 for a whole text */
	bool is_copied; /* before the statement moves or changes what it is borrowed from */
};

/* The parameters in their order, from ?1 on: VALUES(TEXT(name), NUMBER(id)). Those that a statement
 * lacks are ignored. */
#define VALUES(...) ((const struct sql_value[]){ __VA_ARGS__, { .type = VALUE_END } })
#define TEXT(text) ((struct sql_value){ VALUE_TEXT, (text), -1, false }) /* NULL binds NULL */
#define TEXT_COPY(text) ((struct sql_value){ VALUE_TEXT, (text), -1, true })
#define TEXT_PART(text, length) ((struct sql_value){ VALUE_TEXT, (text), (int64_t)(length), false })
#define NUMBER(n) ((struct sql_value){ VALUE_NUMBER, NULL, (int64_t)(n), false })
#define NUMBER_OR_NULL(is_set, n) ((is_set) ? NUMBER(n) : TEXT(NULL))
#define BLOB(bytes) ((struct sql_value){ VALUE_BLOB, (bytes), sizeof(bytes), false })

/*
 * A statement in use, and the row that it stands on. It is reset when it goes out of scope, so that
 * it never holds a lock for longer.
 *
 * All columns are read through it: each reading checks NULL, the type, the length and the range.
 * The first column that is invalid is remembered, and what is read of it has a value that can be
 * used; row_check() reports it at the end.
 *
 *     _cleanup_(row_close) struct row row;
 *     int r = row_find(store, memory,
 *                      SQL_OF(TABLE_USER, "looking up a user",
 *                             "SELECT domain, local, login FROM user WHERE domain = ?1"),
 *                      VALUES(TEXT(domain)), &row, err);
 *
 *     if (r == 0)
 *             *ret_login = row_text(&row, 2);
 *     return r == 0 ? row_check(&row, err) : r;
 */
struct row {
	struct store *store;
	struct arena *memory;
	sqlite3_stmt *query;
	struct statement statement;
	int invalid;	    /* the first invalid column, -1 for none */
	const char *reason; /* "is NULL" */
};

/* Texts are copied to memory; where that is NULL they are the statement's, until its next step.
 * Returns 0, STORE_BUSY, or -1 with err set; row_close() is safe in any case. */
int row_open(struct store *store, struct arena *memory, struct statement statement,
	     const struct sql_value *values, struct row *ret_row, struct error *err);
void row_close(struct row *row);

/* Steps to the next row. Returns 0, STORE_NOT_FOUND at the end, STORE_BUSY, or -1 with err set. */
int row_next(struct row *row, struct error *err);

/* Both: the first row of the statement. */
int row_find(struct store *store, struct arena *memory, struct statement statement,
	     const struct sql_value *values, struct row *ret_row, struct error *err);

/* A text without NUL characters; "" where the column is invalid. */
const char *row_text(struct row *row, int column);
const char *row_text_or_null(struct row *row, int column);

/* Between low and high; low where the column is invalid. NULL stands for the number null. */
int64_t row_integer(struct row *row, int column, int64_t low, int64_t high);
int64_t row_integer_or_null(struct row *row, int column, int64_t low, int64_t high, int64_t null);

/* One of the words in "documentation|enable": its index. */
unsigned row_choice(struct row *row, int column, const char *words);

/* The attributes in a table of options, into the members of a struct; the first one is in this
 * column. Returns the column after the last. */
int row_attributes(struct row *row, int column, const struct option *options, void *ret_row);

/* The members as values, in the order of row_attributes(), with a VALUE_END after them. Returns the
 * place of that. Texts are borrowed. */
struct sql_value *attribute_values(const struct option *options, const void *row,
				   struct sql_value *ret_values);
#define ATTRIBUTES_MAX 32

/* Copies a blob, which must be of exactly this size. */
void row_blob(struct row *row, int column, void *ret_bytes, size_t size);

/* Returns 0, or -1 with err set to ERROR_ROW: which row is invalid, why, and the remedy. */
int row_check(const struct row *row, struct error *err);

/* The same within a list. Also: ROW_SKIPPED, where store_skip_invalid_rows() was called. */
enum { ROW_SKIPPED = 1 };
int row_check_in_list(const struct row *row, struct error *err);

/* Reads all valid rows of a statement into an array of elements of the size, which read fills in,
 * in memory. Returns 0, STORE_BUSY, or -1 with err set. */
int store_list(struct store *store, struct arena *memory, struct statement statement,
	       const struct sql_value *values, size_t size,
	       void (*read)(struct row *row, void *item), void **ret_items, size_t *ret_count,
	       struct error *err);

/* The same for the text in the first column. */
int store_list_texts(struct store *store, struct arena *memory, struct statement statement,
		     const struct sql_value *values, const char ***ret_texts, size_t *ret_count,
		     struct error *err);

/* Runs a statement that gives no rows. Returns 0, STORE_EXISTS (a unique name is taken),
 * STORE_BUSY, or -1 with err set. */
int store_run(struct store *store, struct statement statement, const struct sql_value *values,
	      struct error *err);

/* The same for a change of a row, which is the last that it makes. Also: STORE_NOT_FOUND. */
int store_run_on_row(struct store *store, struct statement statement,
		     const struct sql_value *values, struct error *err);

/* Reads one number that is 0 or more, 0 where there is no row. Returns 0, STORE_BUSY, or -1 with
 * err set. */
int store_read_number(struct store *store, struct statement statement,
		      const struct sql_value *values, int64_t *ret_number, struct error *err);
int store_read_truth(struct store *store, struct statement statement,
		     const struct sql_value *values, bool *ret_truth, struct error *err);

/* For this file, not opened. Ends with store_close(). */
struct store *store_new(const char *path);

/* The version of the schema that this program knows: the number of migrations. */
int schema_version(void);

/* What the database has. */
#define USER_VERSION SQL("reading it", "PRAGMA user_version")

/* Brings the open database up to schema_version(). A copy of what it was can be kept beside it, as
 * DATABASE.schema-VERSION, and the one before that. Returns 0 or -1 with err set. */
int store_migrate(struct store *store, bool keeps_copy, struct error *err);

/* What SQLite keeps: the database, and what it finds beside it by its name. */
#define DATABASE_FILES 4
extern const char *const database_suffixes[DATABASE_FILES];

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

/* Runs SQL text without results. Returns 0 or -1 with err set. */
int store_execute(struct store *store, const char *sql, struct error *err);

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

#define USER_COLUMNS                                                                            \
	"domain, local, user.login, user.name, provider.name AS provider_name, user.provider, " \
	"moved_to "                                                                             \
	"FROM user LEFT JOIN provider ON provider.id = user.provider"

/* The row of TABLE_USER with USER_COLUMNS. */
struct user user_read(struct row *row);

/* All rows that could answer at once, so that a known and an unknown user cost the same; as three
 * searches, because SQLite sorts the values of IN () first. */
#define FIND_USERS                                                                      \
	SQL_OF(TABLE_USER, "looking up a user",                                         \
	       "SELECT " USER_COLUMNS " WHERE domain = ?1 AND local = ?2 UNION ALL "    \
	       "SELECT " USER_COLUMNS " WHERE domain = ?1 AND local = ?3 AND ?3 <> ?2 " \
	       "UNION ALL SELECT " USER_COLUMNS " WHERE domain = ?1 AND local = ''")

#define REMOVE_USER SQL("removing a user", "DELETE FROM user WHERE domain = ?1 AND local = ?2")

/*
 * The MD5s by which people are found (md5.c): kept in step by every change that could touch them.
 * register gives the connection the SQL function that makes them. Return 0, STORE_BUSY, or -1 with
 * err set.
 */
int md5_register(struct store *store, struct error *err);
int md5_is_used_by(struct store *store, int64_t provider, bool *ret_is_used, struct error *err);
int md5_follow_user(struct store *store, const char *address, struct error *err);
int md5_follow_domain(struct store *store, const char *name, struct error *err);
int md5_follow_provider(struct store *store, const char *name, struct error *err);
