/*
 * Finding, reading and looking again. The bytes of a key live in an arena of their own, which is
 * wiped; what GnuTLS has parsed is all that stays.
 */

#include "tls/certificate-file.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/layout.h"
#include "tls/pem.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/file.h"
#include "util/string-list.h"

/* Such a file stands for a directory without a pair. */
static void explain_absence(const char *file, struct error *err)
{
	size_t length = strlen(file), name = strlen("/" LAYOUT_CHAIN);

	if (length > name && text_equals(file + length - name, "/" LAYOUT_CHAIN))
		error_set(err, ERROR_TLS,
			  "the directory '%.*s' has no certificate with its key; put the "
			  "certificate with its chain there as " LAYOUT_CHAIN
			  " and its key as " LAYOUT_KEY ", or under other names of mailconfd(8)",
			  (int)(length - name), file);
}

static char *read_file(struct arena *memory, const char *file, size_t *ret_size, struct error *err)
{
	struct stat status;
	char *data;

	if (stat(file, &status) == 0 && status.st_size > (off_t)CERTIFICATE_FILE_LIMIT) {
		error_set(err, ERROR_TLS,
			  "'%s' is larger than %zu KiB; a certificate with its chain and key "
			  "is not, so let the glob match only such files",
			  file, CERTIFICATE_FILE_LIMIT / 1024);
		return NULL;
	}
	data = file_read(memory, file, CERTIFICATE_FILE_LIMIT, ret_size, err);
	if (!data && eaccess(file, R_OK) < 0 && errno == EACCES)
		error_set(err, ERROR_SYSTEM,
			  "cannot read '%s': %s; give the daemon's user read permission", file,
			  strerror(EACCES));
	else if (!data && access(file, F_OK) < 0 && errno == ENOENT)
		explain_absence(file, err);
	return data;
}

static void warn_of_mode(const char *key_file, certificates_warner warn, void *context)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct stat status;

	if (stat(key_file, &status) == 0 && (status.st_mode & S_IROTH))
		warn(arena_printf(&memory,
				  "the private key in '%s' can be read by every user of this "
				  "machine; take that away with chmod o-r",
				  key_file),
		     context);
}

/* The file of the key: the same, if that holds one. */
static const char *find_key_file(struct arena *memory, const char *file, const char *data,
				 size_t size)
{
	const char *key_file = layout_key_of(memory, file);

	return key_file && !pem_scan(data, size).keys ? key_file : file;
}

static struct file_stamp take_stamp(const char *file)
{
	struct stat status;

	if (stat(file, &status) < 0)
		return (struct file_stamp){ 0 };
	return (struct file_stamp){
		.device = status.st_dev,
		.number = status.st_ino,
		.size = status.st_size,
		.written = status.st_mtim,
		.changed = status.st_ctim,
	};
}

struct certificate_stamp certificate_stamp_take(const char *file)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificate_stamp stamp = { .chain = take_stamp(file) };
	const char *key_file = layout_key_of(&memory, file);

	if (key_file)
		stamp.key = take_stamp(key_file);
	return stamp;
}

static bool times_are_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool file_stamps_are_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->number == b->number && a->size == b->size &&
	       times_are_equal(&a->written, &b->written) &&
	       times_are_equal(&a->changed, &b->changed);
}

bool certificate_stamp_equals(const struct certificate_stamp *a, const struct certificate_stamp *b)
{
	return file_stamps_are_equal(&a->chain, &b->chain) &&
	       file_stamps_are_equal(&a->key, &b->key);
}

static int load_key_file(struct arena *secret, struct certificate_source *source, struct error *err)
{
	if (source->key_file == source->file)
		return 0;
	source->key_data = read_file(secret, source->key_file, &source->key_size, err);
	return source->key_data ? 0 : -1;
}

int certificate_file_load(struct arena *memory, const char *file, certificates_warner warn,
			  void *context, struct certificate *ret_certificate, struct error *err)
{
	_cleanup_(arena_wipe) struct arena secret = ARENA_NULL;
	struct certificate_source source = { .file = file };
	int result = -1;

	source.data = read_file(&secret, file, &source.size, err);
	if (!source.data)
		return -1;
	source.key_file = find_key_file(&secret, file, source.data, source.size);
	if (load_key_file(&secret, &source, err) == 0)
		result = certificate_parse(memory, &source, warn, context, ret_certificate, err);
	if (result == 0)
		warn_of_mode(source.key_file, warn, context);
	return result;
}

/* A growing list of what globs match. */
struct matches {
	struct arena *memory;
	struct certificate_file *items; /* on the heap */
	size_t count;
};

static void matches_clear(struct matches *matches)
{
	free(matches->items);
}

static void add_match(struct matches *matches, const char *path, const char *problem)
{
	if ((matches->count & (matches->count - 1)) == 0)
		matches->items = xrealloc(matches->items, matches->count ? matches->count * 2 : 1,
					  sizeof(*matches->items));
	matches->items[matches->count++] = (struct certificate_file){ path, problem };
}

static void add_unreadable(struct matches *matches, const char *path, int reason)
{
	add_match(matches, arena_strdup(matches->memory, path),
		  arena_printf(matches->memory,
			       "cannot look for certificates in '%s': %s; give the daemon's user "
			       "read permission",
			       path, strerror(reason)));
}

/* glob(3) gives its callback no context. */
static _Thread_local struct matches *matches_of_glob;

static int note_unreadable(const char *path, int reason)
{
	if (reason != ENOENT && reason != ENOTDIR)
		add_unreadable(matches_of_glob, path, reason);
	return 0;
}

/* Whether it has only a key or only certificates, or cannot be read. */
static bool is_half(const char *file)
{
	_cleanup_(arena_wipe) struct arena secret = ARENA_NULL;
	struct pem_content content;
	struct error ignored;
	size_t size;
	const char *data = read_file(&secret, file, &size, &ignored);

	if (!data)
		return true;
	content = pem_scan(data, size);
	return !content.certificates || !content.keys;
}

/* Files of a pair beside its chain stand for the pair. */
static void add_file(struct matches *matches, const char *path)
{
	const char *chain = layout_chain_of(matches->memory, path);

	add_match(matches, chain && is_half(path) ? chain : arena_strdup(matches->memory, path),
		  NULL);
}

static void add_directory(struct matches *matches, const char *path)
{
	struct texts chains = TEXTS_IN(matches->memory);
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	path = arena_strndup(matches->memory, path, length);
	if (layout_find(&chains, path) < 0) {
		add_unreadable(matches, path, errno);
		return;
	}
	for (size_t i = 0; i < chains.count; i++)
		add_match(matches, chains.items[i], NULL);
	if (!chains.count)
		add_match(matches, arena_printf(matches->memory, "%s/%s", path, LAYOUT_CHAIN),
			  NULL);
}

static void add_found(struct matches *matches, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		add_directory(matches, path);
	else
		add_file(matches, path);
}

static void expand(const char *pattern, struct matches *matches)
{
	glob_t found = { 0 };
	int r;

	matches_of_glob = matches;
	r = glob(pattern, 0, note_unreadable, &found);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		add_found(matches, found.gl_pathv[i]);
	globfree(&found);
	/* Without a wildcard no directory is read. */
	if (r != 0 && !strpbrk(pattern, "*?[") && eaccess(pattern, F_OK) < 0 && errno == EACCES)
		add_unreadable(matches, pattern, EACCES);
}

static int compare_files(const void *left, const void *right)
{
	const struct certificate_file *a = left, *b = right;

	return strcmp(a->path, b->path);
}

static size_t sort_files(struct certificate_file *files, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(files, count, sizeof(*files), compare_files);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !text_equals(files[kept - 1].path, files[i].path))
			files[kept++] = files[i];
	return kept;
}

int certificate_files_find(struct arena *memory, const char *const *globs, size_t n_globs,
			   struct certificate_files *ret_files, struct error *err)
{
	_cleanup_(matches_clear) struct matches matches = { .memory = memory };
	struct certificate_files files = { .complaints = arena_array(memory, const char *,
								     n_globs) };

	error_set(err, ERROR_CONFIG, "'certificates' names no files; HTTPS needs at least one");
	for (size_t i = 0; i < n_globs; i++) {
		size_t before = matches.count;

		expand(globs[i], &matches);
		if (matches.count > before)
			continue;
		error_set(err, ERROR_CONFIG,
			  "no certificate matches '%s'; put one there, or change "
			  "'certificates' in the settings",
			  globs[i]);
		files.complaints[files.n_complaints++] = arena_strdup(memory, err->text);
	}
	if (!matches.count)
		return CERTIFICATES_NONE;
	files.count = sort_files(matches.items, matches.count);
	files.items = arena_copy(memory, matches.items, files.count, sizeof(*matches.items));
	*ret_files = files;
	return 0;
}

static int compare_path(const void *path, const void *file)
{
	return strcmp(path, ((const struct certificate_file *)file)->path);
}

const struct certificate_file *certificate_files_get(const struct certificate_files *files,
						     const char *path)
{
	return files->count ? bsearch(path, files->items, files->count, sizeof(*files->items),
				      compare_path)
			    : NULL;
}

static bool is_at_or_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

bool certificate_files_hide(const struct certificate_files *files, const char *path)
{
	const struct certificate_file *found = certificate_files_get(files, path);

	for (size_t i = 0; i < files->count && (!found || found->problem); i++)
		if (files->items[i].problem && is_at_or_below(path, files->items[i].path))
			return true;
	return false;
}
