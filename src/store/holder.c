#include "store/holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util/arena.h"
#include "util/cleanup.h"

/* Where SQLite's locks lie (https://sqlite.org/walformat.html, 2.3): in the -shm file the bytes of
 * writing, checkpointing and recovering; in the database those of whoever makes it, or keeps it for
 * itself. What readers hold there is shared, and no match. */
#define SHARED_START 120
#define SHARED_LENGTH 3
#define DATABASE_START 0x40000000
#define DATABASE_LENGTH 512

static int open_to_ask(const char *path, const char *suffix)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	return open(arena_printf(&memory, "%s%s", path, suffix), O_RDONLY | O_CLOEXEC);
}

/* Returns the process that would keep us from sharing these bytes, 0 for none. */
static pid_t process_at(int fd, off_t start, off_t length)
{
	struct flock lock = {
		.l_type = F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = length,
	};

	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : 0;
}

static void read_name(struct holder *holder)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(fclosep) FILE *file = fopen(
		arena_printf(&memory, "/proc/%d/comm", (int)holder->process), "re");

	if (!file || !fgets(holder->name, sizeof(holder->name), file))
		snprintf(holder->name, sizeof(holder->name), "a process");
	holder->name[strcspn(holder->name, "\n")] = '\0';
}

bool holder_find(const char *path, struct holder_files *files, struct holder *ret_holder)
{
	struct holder holder;

	if (files->shared < 0)
		files->shared = open_to_ask(path, "-shm");
	if (files->database < 0)
		files->database = open_to_ask(path, "");
	holder.process = process_at(files->shared, SHARED_START, SHARED_LENGTH);
	if (holder.process == 0)
		holder.process = process_at(files->database, DATABASE_START, DATABASE_LENGTH);
	if (holder.process == 0)
		return false;
	read_name(&holder);
	*ret_holder = holder;
	return true;
}

void holder_close(struct holder_files *files)
{
	closep(&files->shared);
	closep(&files->database);
	*files = HOLDER_FILES_NONE;
}
