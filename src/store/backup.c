/*
 * A copy of the database while others use it. SQLite's online backup copies all pages within one
 * read transaction: in WAL mode no writer waits for it, and what is committed meanwhile is not in
 * the copy. No version is asked for: whoever installs a newer mailconfd wants a copy of the
 * database that the old one made.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"

/* In bytes, for each system call. */
#define COPY_SIZE ((size_t)16 * 1024 * 1024)

/* What SQLite keeps beside the database, and finds by its name. */
static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

/* The files may not exist yet, so names in the same directory are compared as well. */
static bool is_same_file(struct arena *memory, const char *one, const char *other)
{
	struct stat first, second;

	if (stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
	    first.st_ino == second.st_ino)
		return true;
	return strcmp(basename(arena_strdup(memory, one)), basename(arena_strdup(memory, other))) ==
		       0 &&
	       stat(dirname(arena_strdup(memory, one)), &first) == 0 &&
	       stat(dirname(arena_strdup(memory, other)), &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int store_refuse_place(const char *database, const char *file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(freep) char *real = realpath(database, NULL);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (is_same_file(&memory,
				 arena_printf(&memory, "%s%s", real ? real : database, suffixes[i]),
				 file))
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
	sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup) == SQLITE_OK ? 0 : fail(store, target, file, err);
}

/*
 * SQLite opens files by name, and the target may be in a directory that only root can enter, whose
 * rights were given up. So the copy is made in a temporary file, which loses its name at once, and
 * its bytes are copied from there. Returns the descriptor, or -1 with errno set.
 */
static int create_temporary(struct arena *memory, const char *database, char **ret_path)
{
	const char *const directories[] = { dirname(arena_strdup(memory, database)), "/var/tmp",
					    "/tmp" };
	int fd = -1;

	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories) && fd < 0; i++) {
		*ret_path = arena_printf(memory, "%s/.backup-XXXXXX", directories[i]);
		fd = mkostemp(*ret_path, O_CLOEXEC);
	}
	return fd;
}

static int copy_bytes(int from, int to)
{
	ssize_t copied;

	do {
		copied = sendfile(to, from, NULL, COPY_SIZE);
	} while (copied > 0 || (copied < 0 && errno == EINTR));
	return (int)copied;
}

int store_backup(struct store *store, const char *file, int fd, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int temporary = -1;
	sqlite3 *target = NULL;
	char *path;
	int r;

	sqlite3_busy_timeout(store->database, STORE_PATIENCE_MS);
	temporary = create_temporary(&memory, store->path, &path);
	if (temporary < 0)
		return error_set(err, ERROR_SYSTEM, "cannot create a temporary file: %s",
				 strerror(errno));
	r = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	(void)unlink(path);
	r = r == SQLITE_OK ? copy(store, target, file, err) : fail(store, target, file, err);
	sqlite3_close(target);
	if (r == 0 && copy_bytes(temporary, fd) < 0)
		r = error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", file, strerror(errno));
	return r;
}
