#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "util/account.h"
#include "util/embedded.h"

/* In bytes. A corrupted page can announce a value of a gigabyte, for which SQLite takes memory. */
#define VALUE_MAX (1024 * 1024)

/* Of the database. The group of the daemon's user may read it. */
#define FILE_MODE 0640

/* A locked database is opened again after so long. */
#define OPEN_PAUSE_MS 20

/* In bytes: what SQLite writes back by itself, a thousand pages. */
#define LOG_SIZE_LIMIT "4194304"

/* Before migrations, the one of now among them. */
#define COPIES_KEPT 2

#define HAS_TABLES SQL("reading it", "SELECT EXISTS (SELECT 1 FROM sqlite_schema)")

static void configure_sqlite(void)
{
	/* Without statistics SQLite's allocator needs no lock that all workers share. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

struct store *store_new(const char *path)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct store *store = xnew(struct store);

	pthread_once(&once, configure_sqlite);
	store->path = xstrdup(path);
	return store;
}

static unsigned lock_timeout = 20; /* seconds */

void store_set_lock_timeout(unsigned seconds)
{
	lock_timeout = seconds;
}

int store_lock_timeout(void)
{
	return (int)lock_timeout * 1000;
}

int store_set_in_use(const char *path, struct error *err)
{
	error_set(err, ERROR_STORE,
		  "database '%s' has been in use by another process for more than %u seconds; "
		  "nothing was changed",
		  path, lock_timeout);
	return error_hint(err, "try again later; 'fuser -v %s' shows which process uses it", path);
}

int store_fail(struct store *store, struct error *err, const char *doing)
{
	int code = sqlite3_errcode(store->database);
	int extended = sqlite3_extended_errcode(store->database);

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
		if (store->is_patient)
			store_set_in_use(store->path, err);
		else
			error_set(err, ERROR_STORE,
				  "database '%s' is in use by another process: %s", store->path,
				  doing);
		return STORE_BUSY;
	}
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
		store->has_bad_pages = true;
		error_set(err, ERROR_STORE, "database '%s' is corrupted: %s: %s", store->path,
			  doing, sqlite3_errmsg(store->database));
		return error_hint(err, RESTORE_HINT);
	}
	error_set(err, ERROR_STORE, "database '%s': %s: %s", store->path, doing,
		  sqlite3_errmsg(store->database));
	if (extended == SQLITE_READONLY_DIRECTORY || extended == SQLITE_READONLY_CANTINIT)
		error_set(err, ERROR_STORE,
			  "database '%s': %s: the file and its directory must be writable for "
			  "readers too, because they share its -shm file",
			  store->path, doing);
	return -1;
}

int store_execute(struct store *store, const char *sql, struct error *err)
{
	if (sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	store_fail(store, err, "changing it");
	return -1;
}

static int refuse_to(const char *what, const char *path, bool for_writing, int error,
		     struct error *err)
{
	error_set(err, ERROR_STORE, "cannot %s database '%s': %s", what, path, strerror(error));
	return error == EACCES || error == EPERM ? account_hint(err, path, for_writing) : -1;
}

static int open_database(struct store *store, const char *name, int flags, struct error *err)
{
	bool for_writing = flags & SQLITE_OPEN_READWRITE;
	int error;

	if (sqlite3_open_v2(name, &store->database, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		error = sqlite3_system_errno(store->database);
		if (error)
			return refuse_to("open", store->path, for_writing, error, err);
		return error_set(err, ERROR_STORE, "cannot open database '%s': %s", store->path,
				 sqlite3_errmsg(store->database));
	}
	/* Without the right to write SQLite opens it for reading. */
	if (for_writing && sqlite3_db_readonly(store->database, "main") == 1)
		return refuse_to("write", store->path, true,
				 access(store->path, W_OK) < 0 ? errno : EACCES, err);
	sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(store->database, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	return 0;
}

static int check_version(struct store *store, enum store_mode mode, struct error *err)
{
	bool is_ours;
	int64_t version;
	int r;

	r = store_read_truth(
		store, SQL("reading it", "SELECT application_id = ?1 FROM pragma_application_id"),
		VALUES(NUMBER(APPLICATION_ID)), &is_ours, err);
	if (r == 0)
		r = store_read_number(store, USER_VERSION, NULL, &version, err);
	if (r != 0)
		return r;
	if (!is_ours)
		return error_set(err, ERROR_STORE, "'%s' is not a database of mailconfd",
				 store->path);
	if (mode == STORE_COPY)
		return 0;
	if (version > schema_version()) {
		error_set(err, ERROR_STORE,
			  "database '%s' has schema version %lld, but this program supports "
			  "versions up to %d",
			  store->path, (long long)version, schema_version());
		return error_hint(err, "install the newer mailconfd that wrote it");
	}
	if (version < schema_version() && mode == STORE_READ) {
		error_set(err, ERROR_STORE,
			  "database '%s' has schema version %lld, but this program requires "
			  "version %d",
			  store->path, (long long)version, schema_version());
		return error_hint(err, "upgrade it with 'mailconfctl init'");
	}
	return 0;
}

int schema_version(void)
{
	int version = 0;

	while (embedded_schema[version].name)
		version++;
	return version;
}

static const char *copy_name(struct arena *memory, const struct store *store, int64_t version)
{
	return arena_printf(memory, "%s.schema-%lld", store->path, (long long)version);
}

/* Keeps a copy, and of older ones the newest. */
static int keep_copy(struct store *store, int64_t version, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	size_t kept = 0;

	if (database_keep(store->path, copy_name(&memory, store, version), err) < 0)
		return error_prefix(err, "before a migration");
	for (int64_t older = version - 1; older > 0; older--) {
		const char *name = copy_name(&memory, store, older);

		if (access(name, F_OK) == 0 && ++kept >= COPIES_KEPT)
			unlink(name);
	}
	return 0;
}

/* All migrations run inside one transaction, so that a database is of one version or the other,
 * never between; two admin tools that meet wait for each other at its beginning. */
int store_migrate(struct store *store, bool keeps_copy, struct error *err)
{
	char pragma[64];
	int64_t version;
	int r;

	if (store_begin(store, err) < 0)
		return -1;
	r = store_read_number(store, USER_VERSION, NULL, &version, err);
	if (r == 0 && keeps_copy && version > 0 && version < schema_version())
		r = keep_copy(store, version, err);
	for (int64_t next = version; r == 0 && next < schema_version(); next++)
		if (store_execute(store, embedded_schema[next].text, err) != 0)
			r = error_prefix(err, "migration %s", embedded_schema[next].name);
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", schema_version());
	if (r == 0 && version < schema_version())
		r = store_execute(store, pragma, err);
	if (r != 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}

/* A file of no bytes is one that was made just now, by us or by an admin tool beside us. */
static int open_for_writing(struct store *store, struct error *err)
{
	/* Created for the group to read whatever the umask. SQLite gives its -wal and -shm files
	 * the mode of this one. */
	_cleanup_(closep) int fd = open(store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
					FILE_MODE);
	bool has_tables;

	if (fd < 0 ? errno != EEXIST : fchmod(fd, FILE_MODE) < 0)
		return refuse_to(errno == EACCES ? "open" : "create", store->path, true, errno,
				 err);
	/* Before SQLite opens it, because closing any descriptor of a file releases all locks that
	 * this process has on it. */
	if (fd >= 0)
		close(TAKE_FD(fd));
	if (open_database(store, store->path, SQLITE_OPEN_READWRITE, err) < 0)
		return -1;
	sqlite3_busy_handler(store->database, store_wait_for_lock, store);
	store->is_patient = true;
	if (store_read_truth(store, HAS_TABLES, NULL, &has_tables, err) != 0)
		return -1;
	store->is_new = !has_tables;
	/* A file that another program has written can have a rollback journal, with which readers
	 * and writers wait for each other. The limit cuts off what a large change that was killed
	 * has left of the log, when SQLite reuses it: once a thousand pages of it are written back.
	 */
	if (store_execute(store, "PRAGMA journal_mode = WAL", err) != 0 ||
	    (store->is_new &&
	     store_execute(store, "PRAGMA application_id = " APPLICATION_ID_TEXT, err) != 0) ||
	    md5_register(store, err) != 0 ||
	    store_execute(store,
			  "PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = " LOG_SIZE_LIMIT,
			  err) != 0 ||
	    check_version(store, STORE_WRITE, err) != 0)
		return -1;
	return store_migrate(store, true, err);
}

int store_open(const char *path, enum store_mode mode, struct store **ret_store, struct error *err)
{
	_cleanup_(store_closep) struct store *store = store_new(path);
	bool has_tables;
	struct stat status;
	int r = stat(path, &status);

	/* SQLite would wait for a writer of a FIFO. */
	if (r == 0 && !S_ISREG(status.st_mode))
		return error_set(err, ERROR_STORE,
				 "cannot open database '%s': it is not a regular file", path);
	if (r < 0 && mode != STORE_WRITE && errno == ENOENT) {
		error_set(err, ERROR_STORE, "database '%s' does not exist", path);
		return error_hint(err, "create it with 'mailconfctl init'");
	}
	if (mode == STORE_WRITE || mode == STORE_CHANGE) {
		r = open_for_writing(store, err);
	} else {
		r = open_database(store, path, SQLITE_OPEN_READONLY, err);
		if (r == 0)
			r = store_read_truth(store, HAS_TABLES, NULL, &has_tables, err);
		if (r == 0 && !has_tables) {
			/* Most likely an admin tool is at it just now. */
			error_set(err, ERROR_STORE, "database '%s' is empty", path);
			error_hint(err, "create its tables with 'mailconfctl init'");
			r = STORE_BUSY;
		}
		if (r == 0)
			r = check_version(store, mode, err);
	}
	if (r != 0)
		return file_system_explain(store, r, err);
	*ret_store = TAKE(store);
	return 0;
}

int store_open_patiently(const char *path, enum store_mode mode, int patience,
			 struct store **ret_store, struct error *err)
{
	const struct timespec pause = { .tv_nsec = OPEN_PAUSE_MS * 1000L * 1000L };
	int r;

	for (int waited = 0;; waited += OPEN_PAUSE_MS) {
		r = store_open(path, mode, ret_store, err);
		if (r == STORE_BUSY && waited >= patience)
			return -1;
		if (r != STORE_BUSY)
			return r;
		nanosleep(&pause, NULL);
	}
}

/* SQLite's name for a database of this connection alone, which it puts into a file without a name
 * once it outgrows the cache. It is thrown away as a whole, so it needs no journal. */
int store_open_scratch(struct store **ret_store, struct error *err)
{
	_cleanup_(store_closep) struct store *store = store_new("(scratch)");

	if (open_database(store, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) < 0)
		return -1;
	if (md5_register(store, err) != 0 ||
	    store_execute(store, "PRAGMA journal_mode = OFF; PRAGMA foreign_keys = ON", err) != 0 ||
	    store_migrate(store, false, err) < 0)
		return -1;
	*ret_store = TAKE(store);
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < STATEMENTS_MAX; i++)
		sqlite3_finalize(store->prepared[i].query);
	sqlite3_close(store->database);
	for (size_t i = 0; i < PROVIDERS_KEPT; i++)
		arena_clear(&store->kept[i].memory);
	free(store->path);
	free(store);
}

int store_begin(struct store *store, struct error *err)
{
	return store_execute(store, "BEGIN IMMEDIATE", err);
}

int store_commit(struct store *store, struct error *err)
{
	return store_execute(store, "COMMIT", err);
}

int store_defer_references(struct store *store, struct error *err)
{
	return store_execute(store, "PRAGMA defer_foreign_keys = ON", err);
}

void store_rollback(struct store *store)
{
	if (!sqlite3_get_autocommit(store->database))
		sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

bool store_is_new(const struct store *store)
{
	return store->is_new;
}

const char *store_library_version(void)
{
	return sqlite3_libversion();
}
