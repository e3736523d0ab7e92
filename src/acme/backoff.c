#include "acme/backoff.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/file.h"
#include "util/idna.h"

/* The CA's resolver can still have the answer from before a record was added. Let's Encrypt accepts
 * five failed validations of a name an hour. */
#define FIRST_PAUSE ((time_t)15 * 60)
#define LAST_PAUSE ((time_t)7 * 24 * 60 * 60)
#define COUNT_MAX 11 /* more change nothing */

/* A file for each domain: how often it failed, and by its time when it did last. */
static const char *file_of(struct arena *memory, const char *directory, const char *domain)
{
	return arena_printf(memory, "%s/failed-%s", directory, domain);
}

static unsigned long count_of(const char *file)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	unsigned long count;
	struct error err;
	size_t size;
	char *text = file_read(&memory, file, 16, &size, &err);

	return text && number_parse(text, 1, COUNT_MAX, &count) ? count : 0;
}

void failure_note(const char *directory, const char *domain)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = file_of(&memory, directory, domain), *text;
	unsigned long count = count_of(file);
	struct error err;

	text = arena_printf(&memory, "%lu", count < COUNT_MAX ? count + 1 : COUNT_MAX);
	(void)file_replace(file, 0600, (gid_t)-1, text, strlen(text), &err);
}

void failure_forget(const char *directory, const char *domain)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)unlink(file_of(&memory, directory, domain));
}

/* A time in the future was written before the clock was set back: it becomes the present time. */
static time_t time_of_failure(const char *file, const struct stat *status)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };
	time_t now = time(NULL);

	if (status->st_mtime <= now)
		return status->st_mtime;
	(void)utimensat(AT_FDCWD, file, times, 0);
	return now;
}

time_t failure_until(const char *directory, const char *domain)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = file_of(&memory, directory, domain);
	unsigned long count = host_pattern_is_valid(domain) ? count_of(file) : 0;
	time_t pause = FIRST_PAUSE;
	struct stat status;

	if (!count || stat(file, &status) < 0)
		return 0;
	while (--count > 0 && pause < LAST_PAUSE)
		pause *= 2;
	return time_of_failure(file, &status) + (pause < LAST_PAUSE ? pause : LAST_PAUSE);
}
