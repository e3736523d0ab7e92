#include "acme/schedule.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/idna.h"

/* The CA's resolver can still have the answer from before a record was added. Let's Encrypt accepts
 * five failed validations of a name an hour. */
#define FIRST_PAUSE ((time_t)15 * 60)
#define LAST_PAUSE ((time_t)7 * 24 * 60 * 60)
#define COUNT_MAX 11 /* more change nothing */

static bool read_number_file(const char *file, unsigned long max, unsigned long *ret_number)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err;
	size_t size;
	const char *text = file_read(&memory, file, 32, &size, &err);

	return text && number_parse(text, 0, max, ret_number);
}

static int write_number_file(const char *file, unsigned long number)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text = arena_printf(&memory, "%lu", number);
	struct error err;

	return file_replace(file, 0600, (gid_t)-1, text, strlen(text), &err);
}

/* The file has the number of failures; its time is that of the last one. */
static const char *failure_file(struct arena *memory, const char *directory, const char *domain)
{
	return arena_printf(memory, "%s/failed-%s", directory, domain);
}

void backoff_note_failure(const char *directory, const char *domain)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = failure_file(&memory, directory, domain);
	unsigned long count = 0;

	(void)read_number_file(file, COUNT_MAX, &count);
	(void)write_number_file(file, count < COUNT_MAX ? count + 1 : COUNT_MAX);
}

void backoff_forget(const char *directory, const char *domain)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)unlink(failure_file(&memory, directory, domain));
}

time_t backoff_until(const char *directory, const char *domain)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };
	const char *file = failure_file(&memory, directory, domain);
	time_t pause = FIRST_PAUSE, now = time(NULL);
	unsigned long count;
	struct stat status;

	if (!host_pattern_is_valid(domain) || !read_number_file(file, COUNT_MAX, &count) ||
	    !count || stat(file, &status) < 0)
		return 0;
	while (--count > 0 && pause < LAST_PAUSE)
		pause *= 2;
	/* A time in the future was written before the clock was set back. */
	if (status.st_mtime > now) {
		(void)utimensat(AT_FDCWD, file, times, 0);
		status.st_mtime = now;
	}
	return status.st_mtime + (pause < LAST_PAUSE ? pause : LAST_PAUSE);
}

/* The file has the time, in seconds since 1970. */
static const char *renewal_file(struct arena *memory, const char *directory)
{
	return arena_printf(memory, "%s/next-renewal", directory);
}

/* A file of the future was written before the clock was set back. */
bool schedule_is_due(const char *directory, time_t now)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = renewal_file(&memory, directory);
	struct stat status;
	unsigned long next;

	return stat(file, &status) < 0 || status.st_mtime > now ||
	       !read_number_file(file, LONG_MAX, &next) || (time_t)next <= now;
}

void schedule_set(const char *directory, time_t next)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	if (write_number_file(renewal_file(&memory, directory), (unsigned long)next) < 0)
		schedule_clear(directory);
}

void schedule_clear(const char *directory)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)unlink(renewal_file(&memory, directory));
}
