/*
 * A backup takes the place of the database while others use it. It is checked and brought up to
 * date in a file of its own (the stage), and then copied into the database in one transaction: so
 * other connections see the old state or the new one, the -wal file always belongs to the database
 * file, and writers wait. Only a database that SQLite cannot open is replaced as a file.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"

/* https://sqlite.org/fileformat.html, 1.3 */
#define MAGIC "SQLite format 3"
#define HEADER_SIZE 100
#define VERSION_OFFSET 60
#define APPLICATION_OFFSET 68

#define PAGE_SIZE SQL("reading it", "PRAGMA page_size")

struct stage {
	char *path;
	struct store *store;
};

static void stage_clear(struct stage *stage)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	store_close(stage->store);
	for (size_t i = 0; stage->path && i < DATABASE_FILES; i++)
		unlink(arena_printf(&memory, "%s%s", stage->path, database_suffixes[i]));
	free(stage->path);
}

static int check_header(int fd, const char *file, struct error *err)
{
	uint32_t header[HEADER_SIZE / 4], version;

	if (pread(fd, header, HEADER_SIZE, 0) != HEADER_SIZE ||
	    memcmp(header, MAGIC, sizeof(MAGIC)) != 0 ||
	    be32toh(header[APPLICATION_OFFSET / 4]) != APPLICATION_ID)
		return error_set(err, ERROR_INPUT, "'%s' is not a database of mailconfd", file);
	version = be32toh(header[VERSION_OFFSET / 4]);
	if (version <= (uint32_t)schema_version())
		return 0;
	error_set(err, ERROR_INPUT,
		  "'%s' has schema version %u, but this program supports versions up to %d", file,
		  version, schema_version());
	return error_hint(err, "restore it with the newer mailconfd that wrote it");
}

/* The errors of its store name the file that it is a copy of. */
static int make_stage(struct stage *stage, const char *database, int fd, const char *file,
		      struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *path = arena_printf(&memory, "%s.restore-XXXXXX", database);
	_cleanup_(closep) int copy = mkostemp(path, O_CLOEXEC);

	if (copy < 0)
		return error_set(err, ERROR_STORE, "cannot create a file beside '%s': %s", database,
				 strerror(errno));
	stage->path = xstrdup(path);
	if (fchmod(copy, 0640) < 0 || lseek(fd, 0, SEEK_SET) < 0 || copy_bytes(fd, copy) < 0 ||
	    fsync(copy) < 0)
		return error_set(err, ERROR_STORE, "cannot copy '%s': %s", file, strerror(errno));
	stage->store = store_new(file);
	if (sqlite3_open_v2(path, &stage->store->database,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return store_fail(stage->store, err, "opening a copy of it");
	sqlite3_db_config(stage->store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(stage->store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return md5_register(stage->store, err);
}

/* What integrity_check finds is one row of text each, or 'ok'. */
static int check_integrity(sqlite3 *stage, const char *file, struct error *err)
{
	sqlite3_stmt *query = NULL;
	const char *found = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(stage, "PRAGMA integrity_check(1)", -1, &query, NULL) == SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		found = (const char *)sqlite3_column_text(query, 0);
	if (!found)
		found = sqlite3_errmsg(stage);
	if (strcmp(found, "ok") != 0)
		r = error_set(err, ERROR_INPUT, "'%s' is corrupted: %s", file, found);
	sqlite3_finalize(query);
	return r;
}

/* Whether SQLite can open it and read its header. */
static bool open_live(struct store *live)
{
	int code = sqlite3_open_v2(live->path, &live->database,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(live->database, store_lock_timeout());
		code = sqlite3_exec(live->database, "SELECT count(*) FROM sqlite_schema", NULL,
				    NULL, NULL);
	}
	return code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

static int fail_to_write(struct store *live, struct error *err)
{
	int code = sqlite3_errcode(live->database);

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return store_set_in_use(live->path, err);
	return error_set(err, ERROR_STORE, "cannot write database '%s': %s", live->path,
			 sqlite3_errmsg(live->database));
}

/* A first step of no pages takes the lock of writers, so that what is kept is the last state: with
 * a rollback journal, that lock would keep the reader of this state out. */
static int copy_into(struct store *stage, struct store *live, const char *kept, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	sqlite3_backup *backup = NULL;
	int64_t page_size, staged;
	bool is_ours;
	int code, r = 0;

	/* A mistyped --database must not cost another program its data. */
	if (store_read_truth(live,
			     SQL("reading it",
				 "SELECT application_id = ?1 OR NOT EXISTS "
				 "(SELECT 1 FROM sqlite_schema) FROM pragma_application_id"),
			     VALUES(NUMBER(APPLICATION_ID)), &is_ours, err) == 0 &&
	    !is_ours)
		return error_set(err, ERROR_STORE, "'%s' is not a database of mailconfd",
				 live->path);
	/* A transaction needs pages of the size that the database has. */
	if (sqlite3_exec(live->database, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) ==
		    SQLITE_OK &&
	    store_read_number(live, PAGE_SIZE, NULL, &page_size, err) == 0 &&
	    store_read_number(stage, PAGE_SIZE, NULL, &staged, err) == 0 &&
	    (page_size == staged ||
	     store_execute(stage,
			   arena_printf(&memory,
					"PRAGMA journal_mode = DELETE; PRAGMA page_size = %lld; "
					"VACUUM; PRAGMA journal_mode = WAL",
					(long long)page_size),
			   err) == 0))
		backup = sqlite3_backup_init(live->database, "main", stage->database, "main");
	if (!backup)
		return fail_to_write(live, err);
	code = sqlite3_backup_step(backup, 0);
	if (code == SQLITE_OK || code == SQLITE_DONE) {
		r = database_keep(live->path, kept, err);
		if (r == 0) {
			unlink(arena_printf(&memory, "%s-wal", kept));
			sqlite3_backup_step(backup, -1);
		}
	}
	if (r < 0) {
		sqlite3_backup_finish(backup);
		return -1;
	}
	if (sqlite3_backup_finish(backup) != SQLITE_OK || code == SQLITE_BUSY)
		return fail_to_write(live, err);
	sqlite3_exec(live->database, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	return 0;
}

/* Of what cannot be opened, the log is kept with the file. */
static int replace_file(struct stage *stage, const char *database, const char *kept,
			struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *kept_log = arena_printf(&memory, "%s-wal", kept);

	store_close(TAKE(stage->store)); /* the last to close writes the log back */
	unlink(kept);
	unlink(kept_log);
	if ((link(database, kept) < 0 && errno != ENOENT) ||
	    (rename(arena_printf(&memory, "%s-wal", database), kept_log) < 0 && errno != ENOENT) ||
	    (unlink(arena_printf(&memory, "%s-shm", database)) < 0 && errno != ENOENT) ||
	    rename(stage->path, database) < 0 || directory_sync_of(database) < 0)
		return error_set(err, ERROR_STORE, "cannot replace database '%s': %s", database,
				 strerror(errno));
	return 0;
}

int store_check_backup(const char *file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *log = arena_printf(&memory, "%s-wal", file);
	struct stat status;

	if (stat(log, &status) < 0 || status.st_size == 0)
		return 0;
	error_set(err, ERROR_INPUT, "'%s' lacks the changes in '%s'", file, log);
	return error_hint(err, "copy a database with 'mailconfctl backup'");
}

int store_restore(struct arena *memory, const char *database, int fd, const char *file,
		  struct restored *ret_restored, struct error *err)
{
	_cleanup_(stage_clear) struct stage stage = { 0 };
	_cleanup_(store_closep) struct store *live = store_new(database);
	const char *kept = arena_printf(memory, "%s.before-restore", database);
	struct restored restored = { .kept = access(database, F_OK) == 0 ? kept : NULL };
	int r;

	if (file_system_lacks_locks(database) && file_system_check(database, err) < 0)
		return -1;
	if (check_header(fd, file, err) < 0 || make_stage(&stage, database, fd, file, err) != 0 ||
	    check_integrity(stage.store->database, file, err) < 0 ||
	    store_read_number(stage.store, USER_VERSION, NULL, &restored.migrated_from, err) != 0 ||
	    store_migrate(stage.store, false, err) < 0 ||
	    store_read_number(stage.store, SQL("reading it", "SELECT count(*) FROM domain"), NULL,
			      &restored.domains, err) != 0 ||
	    store_read_number(stage.store, SQL("reading it", "SELECT count(*) FROM user"), NULL,
			      &restored.users, err) != 0)
		return -1;
	if (restored.migrated_from == schema_version())
		restored.migrated_from = 0;
	if (restored.kept && open_live(live)) {
		r = copy_into(stage.store, live, kept, err);
	} else {
		store_close(TAKE(live));
		r = replace_file(&stage, database, kept, err);
	}
	if (r == 0)
		*ret_restored = restored;
	return r;
}
