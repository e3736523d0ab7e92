#include "tls/certificate-paths.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/key.h"
#include "util/file.h"
#include "util/string-list.h"

#define OTHERS_MAX 4

/* A name that begins with * stands for every name that ends so; the rest is the same in all names
 * of the layout. */
struct layout {
	const char *chain, *key;
	const char *others[OTHERS_MAX]; /* that belong to the pair and are not served */
};

/* In the order of preference: cert.pem is the leaf alone where fullchain.pem lies beside it. */
static const struct layout layouts[] = {
	/* certbot, dehydrated, acme.sh */
	{ LAYOUT_CHAIN, LAYOUT_KEY, { "cert.pem", "chain.pem" } },
	/* NixOS */
	{ "fullchain.pem", "key.pem", { "cert.pem", "chain.pem" } },
	/* Kubernetes: secrets of the type kubernetes.io/tls; cert-manager adds ca.crt */
	{ "tls.crt", "tls.key", { "ca.crt" } },
	/* YunoHost */
	{ "crt.pem", "key.pem", { "ca.pem" } },
	/* mailcow, Mailu */
	{ "cert.pem", "key.pem", { NULL } },
	/* lego, Caddy */
	{ "*.crt", "*.key", { "*.issuer.crt", "*.json" } },
};

#define LAYOUTS (sizeof(layouts) / sizeof(*layouts))

/* Sets the part of the name that * stands for, "" without one. */
static bool pattern_fits(const char *pattern, const char *name, size_t *ret_stem)
{
	size_t length = strlen(name), rest = strlen(pattern + 1);

	*ret_stem = 0;
	if (*pattern != '*')
		return text_equals(pattern, name);
	if (length <= rest || !text_equals(name + length - rest, pattern + 1))
		return false;
	*ret_stem = length - rest;
	return true;
}

static const char *file_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

/* The path beside the file that a pattern gives with this stem of the file's name. */
static const char *path_beside(struct arena *memory, const char *file, size_t stem,
			       const char *pattern)
{
	const char *name = file_name(file);

	return arena_printf(memory, "%.*s%.*s%s", (int)(name - file), file, (int)stem, name,
			    *pattern == '*' ? pattern + 1 : pattern);
}

static bool file_exists(const char *file)
{
	struct stat status;

	return stat(file, &status) == 0;
}

const char *layout_key_of(struct arena *memory, const char *chain_file)
{
	const char *first = NULL;
	size_t stem;

	for (size_t i = 0; i < LAYOUTS; i++) {
		const char *key;

		if (!pattern_fits(layouts[i].chain, file_name(chain_file), &stem))
			continue;
		key = path_beside(memory, chain_file, stem, layouts[i].key);
		if (file_exists(key))
			return key;
		if (!first)
			first = key;
	}
	return first;
}

static bool is_part_of(const struct layout *layout, const char *name, size_t *ret_stem)
{
	for (size_t i = 0; i < OTHERS_MAX && layout->others[i]; i++)
		if (pattern_fits(layout->others[i], name, ret_stem))
			return true;
	return pattern_fits(layout->key, name, ret_stem);
}

const char *layout_chain_of(struct arena *memory, const char *file)
{
	size_t stem;

	for (size_t i = 0; i < LAYOUTS; i++) {
		const char *chain;

		if (!is_part_of(&layouts[i], file_name(file), &stem))
			continue;
		chain = path_beside(memory, file, stem, layouts[i].chain);
		if (file_exists(chain) &&
		    file_exists(path_beside(memory, file, stem, layouts[i].key)))
			return chain;
	}
	return NULL;
}

static void add_pair(struct texts *chain_files, const char *directory, const char *chain_name,
		     const struct layout *layout)
{
	struct arena *memory = chain_files->memory;
	const char *chain = arena_printf(memory, "%s/%s", directory, chain_name);
	size_t stem;

	if (pattern_fits(layout->chain, chain_name, &stem) && file_exists(chain) &&
	    file_exists(path_beside(memory, chain, stem, layout->key)))
		texts_add(chain_files, chain);
}

static int add_pairs(struct texts *chain_files, const char *path, const struct layout *layout)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	if (!directory)
		return -1;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			add_pair(chain_files, path, entry->d_name, layout);
	closedir(directory);
	return 0;
}

int layout_find(struct texts *chain_files, const char *directory)
{
	size_t before = chain_files->count;

	for (size_t i = 0; i < LAYOUTS && chain_files->count == before; i++) {
		if (layouts[i].chain[0] != '*')
			add_pair(chain_files, directory, layouts[i].chain, &layouts[i]);
		else if (add_pairs(chain_files, directory, &layouts[i]) < 0)
			return -1;
	}
	return 0;
}

bool layout_has(const char *name)
{
	size_t stem;

	for (size_t i = 0; i < LAYOUTS; i++)
		if (pattern_fits(layouts[i].chain, name, &stem) ||
		    pattern_fits(layouts[i].key, name, &stem))
			return true;
	return false;
}

void layout_partners(struct texts *partners, const char *name)
{
	size_t stem;

	for (size_t i = 0; i < LAYOUTS; i++) {
		if (pattern_fits(layouts[i].chain, name, &stem))
			texts_add(partners,
				  path_beside(partners->memory, name, stem, layouts[i].key));
		if (pattern_fits(layouts[i].key, name, &stem))
			texts_add(partners,
				  path_beside(partners->memory, name, stem, layouts[i].chain));
	}
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
			       "cannot read directory '%s': %s; give the daemon's user read "
			       "permission",
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
	const char *data = file_read(&secret, file, CERTIFICATE_FILE_LIMIT, &size, &ignored);

	if (!data)
		return true;
	content = pem_scan(data, size);
	return !content.certificates || !content.keys;
}

/* Files of a pair beside its chain stand for the pair. */
static void add_file_match(struct matches *matches, const char *path)
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
		add_file_match(matches, path);
}

static void expand_glob(const char *pattern, struct matches *matches)
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

	error_set(err, ERROR_CONFIG,
		  "[tls] certificates is empty, but HTTPS requires a certificate");
	for (size_t i = 0; i < n_globs; i++) {
		size_t before = matches.count;

		expand_glob(globs[i], &matches);
		if (matches.count > before)
			continue;
		error_set(err, ERROR_CONFIG, "no certificate matches '%s'", globs[i]);
		error_hint(err, "write one there, or change 'certificates' in the settings");
		files.complaints[files.n_complaints++] = error_line(memory, err);
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
