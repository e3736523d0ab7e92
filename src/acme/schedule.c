#include "acme/schedule.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/file.h"

/* Its text is the time, in seconds since 1970. */
static const char *file_in(struct arena *memory, const char *directory)
{
	return arena_printf(memory, "%s/next-renewal", directory);
}

/* A file of the future was written before the clock was set back. */
bool schedule_is_due(const char *directory, time_t now)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = file_in(&memory, directory);
	struct stat status;
	unsigned long next;
	struct error err;
	size_t size;
	char *text;

	if (stat(file, &status) < 0 || status.st_mtime > now)
		return true;
	text = file_read(&memory, file, 32, &size, &err);
	return !text || !number_parse(text, 0, LONG_MAX, &next) || (time_t)next <= now;
}

void schedule_set(const char *directory, time_t next)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text = arena_printf(&memory, "%lld", (long long)next);
	struct error err;

	if (file_replace(file_in(&memory, directory), 0600, (gid_t)-1, text, strlen(text), &err) <
	    0)
		schedule_clear(directory);
}

void schedule_clear(const char *directory)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)unlink(file_in(&memory, directory));
}
