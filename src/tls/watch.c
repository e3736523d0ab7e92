/*
 * inotify reports names in a directory, so what is watched are the directories along each path,
 * and in each of them the names, or patterns of names, that follow in the path:
 *
 *     /etc/letsencrypt/live/ * /         (without the spaces)
 *     /                          etc
 *     /etc                       letsencrypt
 *     /etc/letsencrypt           live
 *     /etc/letsencrypt/live      *
 *     /etc/letsencrypt/live/a    *           where files of a pair are links to ../../archive/a/...
 *     /etc/letsencrypt           archive
 *     /etc/letsencrypt/archive   a
 *     /etc/letsencrypt/archive/a fullchain1.pem, privkey1.pem
 *
 * The list is rebuilt whenever a change has settled. What a directory that is new in it held
 * before may have been written unseen, so then another quiet time is waited for.
 */

#include "tls/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
#include "util/string-list.h"

#define EVENTS                                                                              \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | \
	 IN_ATTRIB | IN_ONLYDIR)

#define LINKS_MAX 40 /* as the kernel has it */

/* Files that are being written at one time; beyond that the oldest is taken for done. */
#define WRITING_MAX 64

/* A name that matters in a directory. */
struct interest {
	int wd; /* the directory's number among the watches */
	const char *name, *directory;
	bool is_pattern;
};

/* A file that was changed and not closed since. */
struct writing {
	dev_t device;
	ino_t number;
};

struct watch {
	int fd;
	watch_warner warn;
	void *context;
	bool has_warned_of_limit, has_warned_of_access;
	struct arena path_memory; /* holds the paths */
	const char **paths;
	size_t n_paths;

	struct arena memory;	    /* holds the strings of interests */
	struct interest *interests; /* by wd */
	size_t n_interests;

	int64_t first, last; /* of the changes that are not settled, 0 for none */
	struct writing writing[WRITING_MAX];
	size_t n_writing;
};

/* The list in the making. */
struct watch_walk {
	struct watch *watch;
	struct arena memory;
	struct interest *interests;
	size_t count;
	bool is_partner; /* on the way to the other half of a pair */
};

static bool is_pattern(const char *name)
{
	return strpbrk(name, "*?[\\") != NULL;
}

/* Whether files of certificates lie in the directory decides whether it is worth a warning that it
 * cannot be watched: on the way there it is enough to pass through. */
static void warn_of_unwatched(struct watch *watch, const char *directory, bool is_last)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	bool is_limit = errno == ENOSPC;
	bool *has_warned = is_limit ? &watch->has_warned_of_limit : &watch->has_warned_of_access;

	if (*has_warned || (!is_limit && (errno != EACCES || !is_last)))
		return;
	*has_warned = true;
	watch->warn(arena_printf(&memory,
				 "cannot watch '%s' for new certificates: %s; %sa reload (SIGHUP) "
				 "loads them",
				 directory, is_limit ? "too many directories" : strerror(errno),
				 is_limit ? "raise fs.inotify.max_user_watches; until then, " : ""),
		    watch->context);
}

static void add_interest(struct watch_walk *walk, const char *directory, const char *name,
			 bool is_last)
{
	int wd = inotify_add_watch(walk->watch->fd, directory, EVENTS);

	if (wd < 0) {
		warn_of_unwatched(walk->watch, directory, is_last);
		return;
	}
	if ((walk->count & (walk->count - 1)) == 0)
		walk->interests = xrealloc(walk->interests, walk->count ? walk->count * 2 : 1,
					   sizeof(*walk->interests));
	walk->interests[walk->count++] = (struct interest){
		.wd = wd,
		.name = name,
		.directory = directory,
		.is_pattern = is_pattern(name),
	};
}

static void follow_path(struct watch_walk *walk, const char *directory, const char *rest,
			unsigned links);

static void enter_matches(struct watch_walk *walk, const char *directory, const char *pattern,
			  const char *rest, unsigned links);

static void enter_path(struct watch_walk *walk, const char *directory, const char *name,
		       const char *rest, unsigned links)
{
	const char *path = arena_printf(&walk->memory, "%s%s%s", directory, directory[1] ? "/" : "",
					name);
	char target[PATH_MAX];
	struct stat status;
	ssize_t length;

	if (lstat(path, &status) < 0)
		return;
	if (S_ISLNK(status.st_mode)) {
		length = readlink(path, target, sizeof(target) - 1);
		if (length <= 0 || links >= LINKS_MAX)
			return;
		target[length] = '\0';
		follow_path(walk, target[0] == '/' ? "/" : directory,
			    arena_printf(&walk->memory, "%s/%s", target, rest), links + 1);
	} else if (S_ISDIR(status.st_mode) && *rest) {
		follow_path(walk, path, rest, links);
	} else if (S_ISDIR(status.st_mode)) {
		/* One at the end of a path is of pairs, which may have any of several names. */
		add_interest(walk, path, "*", true);
		enter_matches(walk, path, NULL, "", links);
	}
}

/* Follows the other halves that the name, which may be a pattern, has in the directory, except
 * those that a pattern matches anyway. */
static void follow_partners(struct watch_walk *walk, const char *directory, const char *name,
			    const char *pattern, unsigned links)
{
	struct texts partners = TEXTS_IN(&walk->memory);

	if (walk->is_partner)
		return;
	walk->is_partner = true;
	layout_partners(&partners, name);
	for (size_t i = 0; i < partners.count; i++)
		if (!pattern || fnmatch(pattern, partners.items[i], FNM_PERIOD) != 0)
			follow_path(walk, directory, partners.items[i], links);
	walk->is_partner = false;
}

/* Of the directory, the names that fit the pattern; with NULL, those of a layout. */
static void enter_matches(struct watch_walk *walk, const char *directory, const char *pattern,
			  const char *rest, unsigned links)
{
	DIR *stream = opendir(directory);
	struct dirent *found;

	if (!stream)
		return;
	while ((found = readdir(stream))) {
		const char *name;

		if (pattern ? fnmatch(pattern, found->d_name, FNM_PERIOD) != 0
			    : !layout_has(found->d_name))
			continue;
		name = arena_strdup(&walk->memory, found->d_name);
		enter_path(walk, directory, name, rest, links);
		/* Those of *.crt are followed as *.key, all at once. */
		if (pattern && !*rest && !layout_has(pattern))
			follow_partners(walk, directory, name, pattern, links);
	}
	closedir(stream);
}

/* Continues from the directory along the rest of a path, whose first part may be a pattern. */
static void follow_path(struct watch_walk *walk, const char *directory, const char *rest,
			unsigned links)
{
	const char *name;
	size_t length;

	rest += strspn(rest, "/");
	length = strcspn(rest, "/");
	name = arena_strndup(&walk->memory, rest, length);
	rest += length + strspn(rest + length, "/");
	if (!*name)
		return;
	if (text_equals(name, "..") || text_equals(name, ".")) {
		follow_path(walk, arena_printf(&walk->memory, "%s/%s", directory, name), rest,
			    links);
		return;
	}
	add_interest(walk, directory, name, !*rest);
	if (is_pattern(name))
		enter_matches(walk, directory, name, rest, links);
	else
		enter_path(walk, directory, name, rest, links);
	if (!*rest)
		follow_partners(walk, directory, name, NULL, links);
}

static int compare_interests(const void *left, const void *right)
{
	const struct interest *a = left, *b = right;

	return a->wd != b->wd ? (a->wd > b->wd) - (a->wd < b->wd) : strcmp(a->name, b->name);
}

static int compare_directories(const void *left, const void *right)
{
	const struct interest *a = left, *b = right;

	return (a->wd > b->wd) - (a->wd < b->wd);
}

/* Any of the interests in the directory, NULL where there is none. */
static const struct interest *find_directory(const struct interest *interests, size_t count, int wd)
{
	const struct interest key = { .wd = wd };

	return count ? bsearch(&key, interests, count, sizeof(key), compare_directories) : NULL;
}

/* Rebuilds the list. Returns whether a directory has joined it. */
static bool update_interests(struct watch *watch)
{
	struct watch_walk walk = { .watch = watch };
	size_t count = 0;
	bool has_grown = false;

	for (size_t i = 0; i < watch->n_paths; i++)
		follow_path(&walk, "/", watch->paths[i], 0);
	if (walk.count)
		qsort(walk.interests, walk.count, sizeof(*walk.interests), compare_interests);
	for (size_t i = 0; i < walk.count; i++) {
		const struct interest *interest = &walk.interests[i];

		if (count && compare_interests(&walk.interests[count - 1], interest) == 0)
			continue;
		has_grown |= !find_directory(watch->interests, watch->n_interests, interest->wd);
		walk.interests[count++] = *interest;
	}
	for (size_t i = 0; i < watch->n_interests; i++) {
		const struct interest *interest = &watch->interests[i];

		if ((i == 0 || interest[-1].wd != interest->wd) &&
		    !find_directory(walk.interests, count, interest->wd))
			inotify_rm_watch(watch->fd, interest->wd);
	}
	free(watch->interests);
	arena_clear(&watch->memory);
	watch->memory = walk.memory;
	watch->interests = walk.interests;
	watch->n_interests = count;
	return has_grown;
}

int watch_open(watch_warner warn, void *context, struct watch **ret_watch, struct error *err)
{
	_cleanup_(watch_closep) struct watch *watch = xnew(struct watch);

	watch->warn = warn;
	watch->context = context;
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0)
		return error_set(err, ERROR_SYSTEM, "cannot watch files for changes: %s%s",
				 strerror(errno),
				 errno == EMFILE ? " (fs.inotify.max_user_instances)" : "");
	*ret_watch = TAKE(watch);
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	arena_clear(&watch->path_memory);
	free(watch->interests);
	arena_clear(&watch->memory);
	free(watch);
}

void watch_set_paths(struct watch *watch, const char *const *paths, size_t count)
{
	arena_clear(&watch->path_memory);
	watch->paths = arena_array(&watch->path_memory, const char *, count);
	watch->n_paths = count;
	for (size_t i = 0; i < count; i++)
		watch->paths[i] = arena_strdup(&watch->path_memory, paths[i]);
	update_interests(watch);
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

static const struct interest *find_interest(const struct watch *watch, int wd, const char *name)
{
	const struct interest *at = find_directory(watch->interests, watch->n_interests, wd);

	while (at && at > watch->interests && at[-1].wd == wd)
		at--;
	for (; at && at < watch->interests + watch->n_interests && at->wd == wd; at++)
		if (at->is_pattern ? fnmatch(at->name, name, FNM_PERIOD) == 0
				   : text_equals(at->name, name))
			return at;
	return NULL;
}

static void note_event(struct watch *watch, const struct inotify_event *event, int64_t now)
{
	const struct interest *interest = NULL;
	char path[PATH_MAX];
	struct stat status;
	size_t kept = 0;

	if (event->len)
		interest = find_interest(watch, event->wd, event->name);
	if (event->mask & IN_Q_OVERFLOW)
		watch->n_writing = 0;
	else if (!interest)
		return;
	watch->last = now;
	if (!watch->first)
		watch->first = now;
	if (!interest || event->mask & IN_ATTRIB)
		return;
	snprintf(path, sizeof(path), "%s/%s", interest->directory, event->name);
	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return;
	/* A number may come back with another file. */
	for (size_t i = 0; i < watch->n_writing; i++)
		if (watch->writing[i].device != status.st_dev ||
		    watch->writing[i].number != status.st_ino)
			watch->writing[kept++] = watch->writing[i];
	watch->n_writing = kept;
	if (!(event->mask & IN_MODIFY))
		return;
	if (watch->n_writing == WRITING_MAX)
		memmove(watch->writing, watch->writing + 1,
			--watch->n_writing * sizeof(*watch->writing));
	watch->writing[watch->n_writing++] = (struct writing){ status.st_dev, status.st_ino };
}

void watch_read(struct watch *watch, int64_t now)
{
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t size;

	while ((size = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		const char *at = buffer;

		while (at < buffer + size) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			note_event(watch, event, now);
			at += sizeof(*event) + event->len;
		}
	}
}

static int64_t moment_of_settling(const struct watch *watch)
{
	int64_t quiet = watch->last + WATCH_QUIET_MS, limit = watch->first + WATCH_LIMIT_MS;

	return quiet < limit ? quiet : limit;
}

int watch_patience(const struct watch *watch, int64_t now)
{
	int64_t left = moment_of_settling(watch) - now;

	if (!watch->first)
		return -1;
	return left > 0 ? (int)left : 0;
}

bool watch_has_settled(struct watch *watch, int64_t now)
{
	if (!watch->first || now < moment_of_settling(watch))
		return false;
	if (update_interests(watch) && now < watch->first + WATCH_LIMIT_MS) {
		watch->last = now;
		return false;
	}
	watch->first = watch->last = 0;
	return true;
}

bool watch_sees_writing(const struct watch *watch, const struct file_stamp *file)
{
	for (size_t i = 0; i < watch->n_writing; i++)
		if (watch->writing[i].device == file->device &&
		    watch->writing[i].number == file->number)
			return true;
	return false;
}
