/*
 * SQLite keeps files open, whatever becomes of their names. Where the database was replaced, or its
 * -wal or -shm file was deleted, it continues with files that no other program sees, and other
 * programs use new ones. Overwriting the file in place leaves old pages in its cache.
 */

#include <endian.h>
#include <sys/stat.h>

#include "store/database.h"

#define CHANGE_COUNTER_OFFSET 24 /* https://sqlite.org/fileformat.html, 1.3 */

void store_files_look(const char *path, struct store_files *ret_files)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	*ret_files = (struct store_files){ 0 };
	for (size_t i = 0; i < STORE_FILES; i++) {
		struct stat status;

		if (stat(arena_printf(&memory, "%s%s", path, database_suffixes[i]), &status) < 0)
			continue;
		ret_files->devices[i] = status.st_dev;
		ret_files->inodes[i] = status.st_ino;
		if (i > 0)
			continue;
		ret_files->size = status.st_size;
		ret_files->modified = status.st_mtim;
	}
}

static bool is_same_file(const struct store_files *a, const struct store_files *b, size_t file)
{
	return a->devices[file] == b->devices[file] && a->inodes[file] == b->inodes[file];
}

enum store_change store_files_compare(const struct store_files *before,
				      const struct store_files *now)
{
	if (!is_same_file(before, now, 0))
		return STORE_REPLACED;
	/* The first who reads makes these two. */
	for (size_t i = 1; i < STORE_FILES; i++)
		if (before->inodes[i] && !is_same_file(before, now, i))
			return STORE_LOG_REPLACED;
	if (before->size != now->size || before->modified.tv_sec != now->modified.tv_sec ||
	    before->modified.tv_nsec != now->modified.tv_nsec)
		return STORE_WRITTEN;
	return STORE_UNCHANGED;
}

/* Through SQLite's own descriptor: closing another one of the file would release its locks. */
uint32_t store_change_counter(struct store *store)
{
	sqlite3_file *file = NULL;
	uint32_t counter;

	if (sqlite3_file_control(store->database, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
		    SQLITE_OK ||
	    !file || !file->pMethods ||
	    file->pMethods->xRead(file, &counter, sizeof(counter), CHANGE_COUNTER_OFFSET) !=
		    SQLITE_OK)
		return 0;
	return be32toh(counter);
}
