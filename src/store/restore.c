/*
 * A backup takes the place of the database while others use it. It is checked and brought up to
 * date in a file of its own (the stage), and then copied into the database in one transaction: so
 * other connections see the old state or the new one, the -wal file always belongs to the database
 * file, and writers wait. Only a database that SQLite cannot open is replaced as a file.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"
#include "util/base.h"

#define KEPT_SUFFIX ".before-restore"

/* https://sqlite.org/fileformat.html, 1.3 */
#define MAGIC "SQLite format 3"
#define HEADER_SIZE 100
#define VERSION_OFFSET 60
#define APPLICATION_OFFSET 68

struct stage {
	char *path;
	struct store *store;
};

static void stage_clear(struct stage *stage)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	store_close(stage->store);
	for (size_t i = 0; stage->path && i < sizeof(suffixes) / sizeof(*suffixes); i++)
		(void)unlink(arena_printf(&memory, "%s%s", stage->path, suffixes[i]));
	free(stage->path);
}

static uint32_t number_at(const unsigned char *header, size_t offset)
{
	const unsigned char *bytes = header + offset;

	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static int check_header(int fd, const char *file, struct error *err)
{
	unsigned char header[HEADER_SIZE];

	if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header, MAGIC, sizeof(MAGIC)) != 0 ||
	    number_at(header, APPLICATION_OFFSET) != APPLICATION_ID)
		return error_set(err, ERROR_INPUT, "'%s' is not a database of mailconfd", file);
	if (number_at(header, VERSION_OFFSET) > (uint32_t)schema_version()) {
		error_set(err, ERROR_INPUT,
			  "'%s' has schema version %u, but this program supports versions up to %d",
			  file, number_at(header, VERSION_OFFSET), schema_version());
		return error_hint(err, "restore it with the newer mailconfd that wrote it");
	}
	return 0;
}

/* Its errors name the file that it is a copy of. */
static int open_stage(struct stage *stage, const char *file, struct error *err)
{
	_cleanup_(store_closep) struct store *store = xnew(struct store);

	store->path = xstrdup(file);
	if (sqlite3_open_v2(stage->path, &store->database,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return store_fail(store, err, "opening a copy of it");
	sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (md5_register(store, err) != 0)
		return -1;
	stage->store = TAKE(store);
	return 0;
}

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
	return open_stage(stage, file, err);
}

/* What integrity_check finds is one row of text each, or 'ok'. */
static int check_integrity(struct store *stage, const char *file, struct error *err)
{
	sqlite3_stmt *query = NULL;
	const char *found = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(stage->database, "PRAGMA integrity_check(1)", -1, &query, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		found = (const char *)sqlite3_column_text(query, 0);
	if (!found)
		found = sqlite3_errmsg(stage->database);
	if (strcmp(found, "ok") != 0)
		r = error_set(err, ERROR_INPUT, "'%s' is corrupted: %s", file, found);
	sqlite3_finalize(query);
	return r;
}

static int count_rows(struct store *stage, struct restored *restored, struct error *err)
{
	if (store_number(stage, "SELECT count(*) FROM domain", &restored->domains, err) != 0 ||
	    store_number(stage, "SELECT count(*) FROM user", &restored->users, err) != 0)
		return -1;
	return 0;
}

static int page_size_of(sqlite3 *database)
{
	sqlite3_stmt *query = NULL;
	int size = 0;

	if (sqlite3_prepare_v2(database, "PRAGMA page_size", -1, &query, NULL) == SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		size = sqlite3_column_int(query, 0);
	sqlite3_finalize(query);
	return size;
}

/* A transaction needs pages of the size that the database has. */
static int set_page_size(struct store *stage, int size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	if (page_size_of(stage->database) == size)
		return SQLITE_OK;
	return sqlite3_exec(stage->database,
			    arena_printf(&memory,
					 "PRAGMA journal_mode = DELETE; PRAGMA page_size = %d; "
					 "VACUUM; PRAGMA journal_mode = WAL",
					 size),
			    NULL, NULL, NULL);
}

/* Whether SQLite can open it and read its header. */
static bool open_live(const char *database, sqlite3 **ret_live)
{
	int code = sqlite3_open_v2(database, ret_live, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				   NULL);

	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(*ret_live, store_lock_timeout());
		code = sqlite3_exec(*ret_live, "SELECT count(*) FROM sqlite_schema", NULL, NULL,
				    NULL);
	}
	return code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

/* A mistyped --database must not cost another program its data. */
static int check_live(sqlite3 *live, const char *database, struct error *err)
{
	sqlite3_stmt *query = NULL;
	bool is_ours = true;

	if (sqlite3_prepare_v2(live,
			       "SELECT application_id = ?1 OR (SELECT count(*) FROM sqlite_schema) "
			       "= 0 FROM pragma_application_id",
			       -1, &query, NULL) == SQLITE_OK &&
	    sqlite3_bind_int(query, 1, APPLICATION_ID) == SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		is_ours = sqlite3_column_int(query, 0);
	sqlite3_finalize(query);
	return is_ours ? 0
		       : error_set(err, ERROR_STORE, "'%s' is not a database of mailconfd",
				   database);
}

static int keep_live(const char *database, const char *kept, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	int r = database_keep(database, kept, err);

	if (r == 0)
		(void)unlink(arena_printf(&memory, "%s-wal", kept));
	return r;
}

static int fail_to_write(const char *database, sqlite3 *live, struct error *err)
{
	int code = sqlite3_errcode(live);

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return store_set_in_use(database, err);
	return error_set(err, ERROR_STORE, "cannot write database '%s': %s", database,
			 sqlite3_errmsg(live));
}

/* A first step of no pages takes the lock of writers, so that what is kept is the last state: with
 * a rollback journal, that lock would keep the reader of this state out. */
static int copy_into(struct store *stage, const char *database, sqlite3 *live, const char *kept,
		     struct error *err)
{
	sqlite3_backup *backup = NULL;
	int code, r = 0;

	if (sqlite3_exec(live, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK &&
	    set_page_size(stage, page_size_of(live)) == SQLITE_OK)
		backup = sqlite3_backup_init(live, "main", stage->database, "main");
	if (!backup)
		return fail_to_write(database, live, err);
	code = sqlite3_backup_step(backup, 0);
	if (code == SQLITE_OK || code == SQLITE_DONE) {
		r = keep_live(database, kept, err);
		if (r == 0)
			sqlite3_backup_step(backup, -1);
	}
	if (r < 0) {
		sqlite3_backup_finish(backup);
		return -1;
	}
	if (sqlite3_backup_finish(backup) != SQLITE_OK || code == SQLITE_BUSY)
		return fail_to_write(database, live, err);
	sqlite3_exec(live, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	return 0;
}

/* Of what cannot be opened, the log is kept with the file. */
static int replace_file(struct stage *stage, const char *database, const char *kept,
			struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *kept_log = arena_printf(&memory, "%s-wal", kept);

	store_close(TAKE(stage->store)); /* the last to close writes the log back */
	(void)unlink(kept);
	(void)unlink(kept_log);
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
	struct restored restored = { .kept = arena_printf(memory, "%s" KEPT_SUFFIX, database) };
	sqlite3 *live = NULL;
	struct stat status;
	int r;

	if (stat(database, &status) < 0)
		restored.kept = NULL;
	if (file_system_lacks_locks(database) && file_system_check(database, err) < 0)
		return -1;
	if (check_header(fd, file, err) < 0 || make_stage(&stage, database, fd, file, err) < 0 ||
	    check_integrity(stage.store, file, err) < 0 ||
	    store_migrate_copy(stage.store, &restored.migrated_from, err) < 0 ||
	    count_rows(stage.store, &restored, err) < 0)
		return -1;
	if (restored.migrated_from == schema_version())
		restored.migrated_from = 0;
	if (restored.kept && open_live(database, &live)) {
		r = check_live(live, database, err);
		if (r == 0)
			r = copy_into(stage.store, database, live, restored.kept, err);
	} else {
		sqlite3_close(TAKE(live));
		r = replace_file(&stage, database, arena_printf(memory, "%s" KEPT_SUFFIX, database),
				 err);
	}
	sqlite3_close(live);
	if (r == 0)
		*ret_restored = restored;
	return r;
}
