#include "daemon/database-watch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "http/listener.h"
#include "util/log.h"

/* A copy that is under way cannot be opened either: only the second failure in a row is reported.
 */
#define LOOK_PAUSE_MS 900
#define FAILURES_UNREPORTED 1

/* Another connection, because those of the workers are in use. */
static void inspect(struct database_watch *watch)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char text[sizeof("2026-11-30T20:00:00Z")];
	const char *created = "unknown";
	struct statx status;
	bool has_domains;
	struct error err;
	time_t seconds;
	struct tm when;

	if (store_open(watch->file, STORE_READ, &store, &err) != 0)
		return;
	watch->change_counter = store_change_counter(store);
	if (store_has_domains(store, &has_domains, &err) != 0 || has_domains)
		return;
	/* 'mailconfctl init', which the service runs first, makes an empty database in the place of
	 * one that is gone. */
	if (statx(AT_FDCWD, watch->file, 0, STATX_BTIME, &status) == 0 &&
	    status.stx_mask & STATX_BTIME) {
		seconds = (time_t)status.stx_btime.tv_sec;
		if (gmtime_r(&seconds, &when) &&
		    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &when) > 0)
			created = text;
	}
	log_warning("the database has no domains, so no request gets an answer: file=%s "
		    "created=%s; add domains with 'mailconfctl domain add', or restore a backup "
		    "with 'mailconfctl restore FILE'",
		    log_quote(&memory, watch->file), created);
}

void database_watch_begin(struct database_watch *watch, const char *file, struct listener *listener,
			  int64_t now)
{
	*watch = (struct database_watch){ .file = file, .listener = listener };
	inspect(watch);
	store_files_look(file, &watch->files);
	watch->due = now + LOOK_PAUSE_MS;
}

int database_watch_patience(const struct database_watch *watch, int64_t now)
{
	return watch->due > now ? (int)(watch->due - now) : 0;
}

static bool reopen(struct database_watch *watch, bool closes_first)
{
	struct store_files before, after;
	struct error err;

	store_files_look(watch->file, &before);
	if (listener_reopen_database(watch->listener, watch->file, closes_first, &err) < 0) {
		if (++watch->failures <= FAILURES_UNREPORTED ||
		    text_equals(watch->reported, err.text))
			return false;
		snprintf(watch->reported, sizeof(watch->reported), "%s", err.text);
		error_prefix(&err, "cannot reopen the database");
		log_failure(LOG_LEVEL_ERROR, &err,
			    closes_first ? "requests fail until that is possible"
					 : "the one that is open stays in use");
		return false;
	}
	/* The database as it was before it was opened, or a change meanwhile would be missed; the
	 * others as they were made then. */
	store_files_look(watch->file, &after);
	for (size_t i = 1; i < STORE_FILES; i++) {
		before.devices[i] = after.devices[i];
		before.inodes[i] = after.inodes[i];
	}
	watch->files = before;
	watch->failures = 0;
	*watch->reported = '\0';
	return true;
}

void database_watch_look(struct database_watch *watch, int64_t now)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	uint32_t counter = watch->change_counter;
	struct store_files files;
	enum store_change change;

	if (now < watch->due)
		return;
	watch->due = now + LOOK_PAUSE_MS;
	store_files_look(watch->file, &files);
	change = store_files_compare(&watch->files, &files);
	if (change == STORE_UNCHANGED || !reopen(watch, change == STORE_LOG_REPLACED))
		return;
	if (change != STORE_WRITTEN)
		log_info("%s, reopened: file=%s device=%llu inode=%llu",
			 change == STORE_REPLACED ? "database replaced"
						  : "-wal or -shm file of the database replaced",
			 log_quote(&memory, watch->file),
			 (unsigned long long)watch->files.devices[0],
			 (unsigned long long)watch->files.inodes[0]);
	inspect(watch);
	/* Write-back of the log by SQLite makes the change counter greater. */
	if (change == STORE_WRITTEN && watch->change_counter < counter)
		log_warning("database overwritten in place, reopened: file=%s; changes in its -wal "
			    "file still apply, so restore with 'mailconfctl restore FILE' instead",
			    watch->file);
	else if (change == STORE_WRITTEN)
		log_debug("database written to, reopened: file=%s", watch->file);
}

bool database_watch_reopen(struct database_watch *watch)
{
	struct store_files files;

	store_files_look(watch->file, &files);
	watch->failures += FAILURES_UNREPORTED;
	if (!reopen(watch, store_files_compare(&watch->files, &files) == STORE_LOG_REPLACED))
		return false;
	inspect(watch);
	return true;
}
