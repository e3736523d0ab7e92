/* Copies that are kept beside the database: of the state before a migration, or before a restore.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/database.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"

static int fill(sqlite3 *source, const char *path)
{
	sqlite3_backup *backup = NULL;
	sqlite3 *target = NULL;
	int code;

	code = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	/* A copy that fails is removed, so it needs no journal. */
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

int directory_sync_of(const char *path)
{
	_cleanup_(freep) char *name = xstrdup(path);
	_cleanup_(closep) int fd = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int database_keep(sqlite3 *source, const char *database, const char *target, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *temporary = arena_printf(&memory, "%s.XXXXXX", target);
	_cleanup_(closep) int fd = mkostemp(temporary, O_CLOEXEC);
	int code;

	if (fd < 0)
		return error_set(err, ERROR_STORE, "cannot copy database '%s' to '%s': %s",
				 database, target, strerror(errno));
	code = fill(source, temporary);
	if (code != SQLITE_OK)
		error_set(err, ERROR_STORE, "cannot copy database '%s' to '%s': %s", database,
			  target, sqlite3_errstr(code));
	else if (fsync(fd) == 0 && rename(temporary, target) == 0 && directory_sync_of(target) == 0)
		return 0;
	else
		error_set(err, ERROR_STORE, "cannot copy database '%s' to '%s': %s", database,
			  target, strerror(errno));
	(void)unlink(temporary);
	return -1;
}
