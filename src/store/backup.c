/*
 * A copy of the database while others use it. SQLite's online backup copies all pages within one
 * read transaction: in WAL mode no writer waits for it, and what is committed meanwhile is not in
 * the copy. No version is asked for: whoever installs a newer mailconfd wants a copy of the
 * database that the old one made.
 */

#include <string.h>
#include <sys/stat.h>

#include "store/database.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/output.h"

/* What SQLite keeps beside the database, and finds by its name. */
static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

int store_refuse_place(const struct store *store, const char *file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct stat one, other;

	if (stat(file, &other) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (stat(arena_printf(&memory, "%s%s", store->path, suffixes[i]), &one) == 0 &&
		    one.st_dev == other.st_dev && one.st_ino == other.st_ino)
			return error_set(err, ERROR_INPUT, "'%s' is %sthe database itself", file,
					 *suffixes[i] ? "a file of " : "");
	return 0;
}

static int fail(struct store *store, sqlite3 *target, const char *file, struct error *err)
{
	return error_set(err, ERROR_STORE, "copying database '%s' to '%s': %s", store->path, file,
			 sqlite3_errmsg(target));
}

/* A copy that fails is removed: it needs no journal. */
static int copy(struct store *store, sqlite3 *target, const char *file, struct error *err)
{
	sqlite3_backup *backup = NULL;

	if (sqlite3_exec(target, "PRAGMA journal_mode = OFF", NULL, NULL, NULL) == SQLITE_OK)
		backup = sqlite3_backup_init(target, "main", store->database, "main");
	if (!backup)
		return fail(store, target, file, err);
	(void)sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup) == SQLITE_OK ? 0 : fail(store, target, file, err);
}

/* SQLite opens by name. Whoever else may write in the directory could have put a link under that of
 * the new file meanwhile, and have root write elsewhere: it follows none. */
static int fill(struct store *store, const struct output *output, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *name = database_real_name(&memory, output->temporary);
	sqlite3 *target = NULL;
	int r;

	if (name &&
	    sqlite3_open_v2(name, &target,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) == SQLITE_OK)
		r = copy(store, target, output->path, err);
	else
		r = fail(store, target, output->path, err);
	(void)sqlite3_close(target);
	return r;
}

int store_backup(struct store *store, const char *file, bool may_replace, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(output_close) struct output output = OUTPUT_NULL;

	(void)sqlite3_busy_timeout(store->database, STORE_PATIENCE_MS);
	if (store_refuse_place(store, file, err) < 0 ||
	    output_open(&memory, file, may_replace, &output, err) < 0 ||
	    fill(store, &output, err) < 0)
		return -1;
	return output_commit(&output, err);
}
