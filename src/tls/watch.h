#pragma once

/*
 * Watches files for changes, by inotify(7): those that globs match now, those that will, and the
 * directories and links on their paths, such as directories that do not exist yet and links that
 * get another target. A change is reported once it has settled. Paths are absolute.
 */

#include "util/base.h"

struct file_stamp;
struct watch;

/* What changes is left alone for so long after the last change, to see a certificate together with
 * its key; but not for longer than this after the first, so that a busy directory holds up nothing.
 * Milliseconds. */
#define WATCH_QUIET_MS 300
#define WATCH_LIMIT_MS 2500

/* Gets a warning about what cannot be watched, once for each kind. */
typedef void (*watch_warner)(const char *sentence, void *context);

/* Watches nothing yet. Returns 0, or -1 with err set. */
int watch_open(watch_warner warn, void *context, struct watch **ret_watch, struct error *err);
void watch_close(struct watch *watch);
DEFINE_CLEANUP(struct watch *, watch_close);

/* Watches these paths instead of the previous ones; they are copied. The last
 * part of a path may be a directory of pairs, or half of a pair, as for certificate_files_find().
 */
void watch_set_paths(struct watch *watch, const char *const *paths, size_t count);

/* Readable when there is something to read. */
int watch_fd(const struct watch *watch);

/* Takes note of what has happened. now is in milliseconds of clock_now(), here and below. */
void watch_read(struct watch *watch, int64_t now);

/* How many milliseconds to wait for events: -1 without limit. */
int watch_patience(const struct watch *watch, int64_t now);

/* Whether something has changed and is settled now; true once for all of it. Read the files
 * afterwards: a later change counts again. */
bool watch_has_settled(struct watch *watch, int64_t now);

/* Whether a program has changed the file and has not closed it since. */
bool watch_sees_writing(const struct watch *watch, const struct file_stamp *file);
