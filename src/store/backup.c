/*
 * Copies of the database while others use it: backups, and those that are kept beside it before a
 * migration or a restore. SQLite's online backup copies all pages within one read transaction: in
 * WAL mode no writer waits for it, and what is committed meanwhile is not in the copy. Backups are
 * made of any schema version, so that one can be made before mailconfd is upgraded.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"

/* In bytes, for each system call. */
#define COPY_SIZE ((size_t)16 * 1024 * 1024)

const char *const database_suffixes[DATABASE_FILES] = { "", "-wal", "-shm", "-journal" };

static bool is_same_file(const char *one, const char *other)
{
	struct stat first, second;

	return stat(one, &first) == 0 && stat(other, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int store_refuse_place(const char *database, const char *file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(freep) char *real = realpath(database, NULL);
	const char *directory = dirname(arena_strdup(&memory, file));

	if (real)
		database = real;
	for (size_t i = 0; i < DATABASE_FILES; i++) {
		char *path = arena_printf(&memory, "%s%s", database, database_suffixes[i]);

		/* The files may not exist yet, so names in the same directory are compared too. */
		if (is_same_file(path, file) ||
		    (text_equals(basename(path), basename(arena_strdup(&memory, file))) &&
		     is_same_file(dirname(path), directory)))
			return error_set(err, ERROR_INPUT, "'%s' is %sthe database itself", file,
					 *database_suffixes[i] ? "a file of " : "");
	}
	return 0;
}

int directory_sync_of(const char *path)
{
	_cleanup_(freep) char *name = xstrdup(path);
	_cleanup_(closep) int fd = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

/* A copy that fails is removed, so it needs no journal. Returns what SQLite says. */
static int copy_pages(sqlite3 *source, const char *path)
{
	sqlite3_backup *backup = NULL;
	sqlite3 *target = NULL;
	int code = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				   NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(target, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
	if (code == SQLITE_OK) {
		backup = sqlite3_backup_init(target, "main", source, "main");
		if (backup)
			sqlite3_backup_step(backup, -1);
		code = backup ? sqlite3_backup_finish(backup) : sqlite3_errcode(target);
	}
	sqlite3_close(target);
	return code;
}

/* The reason is errno's where code is SQLITE_OK. */
static int fail_to_copy(const char *database, const char *target, int code, struct error *err)
{
	return error_set(err, ERROR_STORE, "cannot copy database '%s' to '%s': %s", database,
			 target, code == SQLITE_OK ? strerror(errno) : sqlite3_errstr(code));
}

int database_keep(const char *database, const char *target, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *temporary = arena_printf(&memory, "%s.XXXXXX", target);
	_cleanup_(closep) int fd = mkostemp(temporary, O_CLOEXEC);
	sqlite3 *reader = NULL;
	int code;

	if (fd < 0)
		return fail_to_copy(database, target, SQLITE_OK, err);
	code = sqlite3_open_v2(database, &reader, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		code = copy_pages(reader, temporary);
	sqlite3_close(reader);
	if (code == SQLITE_OK && fsync(fd) == 0 && rename(temporary, target) == 0 &&
	    directory_sync_of(target) == 0)
		return 0;
	fail_to_copy(database, target, code, err);
	unlink(temporary);
	return -1;
}

int copy_bytes(int from, int to)
{
	ssize_t copied;

	do {
		copied = sendfile(to, from, NULL, COPY_SIZE);
	} while (copied > 0 || (copied < 0 && errno == EINTR));
	return (int)copied;
}

/*
 * SQLite opens files by name, and the target may be in a directory that only root can enter, whose
 * rights were given up. So the copy is made in a temporary file, which loses its name at once, and
 * its bytes are copied from there.
 */
int store_backup(struct store *store, const char *file, int fd, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *const directories[] = { dirname(arena_strdup(&memory, store->path)), "/var/tmp",
					    "/tmp" };
	_cleanup_(closep) int temporary = -1;
	char *path = NULL;
	int code;

	sqlite3_busy_timeout(store->database, store_lock_timeout());
	for (size_t i = 0; i < 3 && temporary < 0; i++) {
		path = arena_printf(&memory, "%s/.backup-XXXXXX", directories[i]);
		temporary = mkostemp(path, O_CLOEXEC);
	}
	if (temporary < 0)
		return error_set(err, ERROR_SYSTEM, "cannot create a temporary file: %s",
				 strerror(errno));
	code = copy_pages(store->database, path);
	unlink(path);
	if (code != SQLITE_OK)
		return fail_to_copy(store->path, file, code, err);
	if (copy_bytes(temporary, fd) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", file, strerror(errno));
	return 0;
}
