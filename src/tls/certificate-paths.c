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

/* The file of the chain, where the file is the key of a pair or belongs to it otherwise, as the
 * certificate of the issuer does; NULL for others, and where the pair is not complete. */
static const char *layout_chain_of(struct arena *memory, const char *file)
{
	for (size_t i = 0; i < LAYOUTS; i++) {
		const struct layout *layout = &layouts[i];
		size_t stem;
		bool is_part = pattern_fits(layout->key, file_name(file), &stem);
		const char *chain;

		for (size_t j = 0; !is_part && j < OTHERS_MAX && layout->others[j]; j++)
			is_part = pattern_fits(layout->others[j], file_name(file), &stem);
		if (!is_part)
			continue;
		chain = path_beside(memory, file, stem, layout->chain);
		if (file_exists(chain) && file_exists(path_beside(memory, file, stem, layout->key)))
			return chain;
	}
	return NULL;
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

static void add_pair(struct matches *matches, const char *directory, const char *chain_name,
		     const struct layout *layout)
{
	const char *chain = arena_printf(matches->memory, "%s/%s", directory, chain_name);
	size_t stem;

	if (pattern_fits(layout->chain, chain_name, &stem) && file_exists(chain) &&
	    file_exists(path_beside(matches->memory, chain, stem, layout->key)))
		add_match(matches, chain, NULL);
}

/* Adds the files of chains in the directory whose keys are beside them: those of the first layout
 * that has any. */
static void add_directory(struct matches *matches, const char *path)
{
	size_t before = matches->count, length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	path = arena_strndup(matches->memory, path, length);
	for (size_t i = 0; i < LAYOUTS && matches->count == before; i++) {
		const struct dirent *entry;
		DIR *directory;

		if (layouts[i].chain[0] != '*') {
			add_pair(matches, path, layouts[i].chain, &layouts[i]);
			continue;
		}
		directory = opendir(path);
		if (!directory) {
			add_unreadable(matches, path, errno);
			return;
		}
		while ((entry = readdir(directory)))
			if (entry->d_name[0] != '.')
				add_pair(matches, path, entry->d_name, &layouts[i]);
		closedir(directory);
	}
	if (matches->count == before)
		add_match(matches, arena_printf(matches->memory, "%s/" LAYOUT_CHAIN, path), NULL);
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

static void expand_glob(const char *pattern, struct matches *matches)
{
	glob_t found = { 0 };
	int r;

	matches_of_glob = matches;
	r = glob(pattern, 0, note_unreadable, &found);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i], *chain;
		struct stat status;

		if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
			add_directory(matches, path);
			continue;
		}
		/* Files of a pair beside its chain stand for the pair. */
		chain = layout_chain_of(matches->memory, path);
		if (!chain || !is_half(path))
			chain = arena_strdup(matches->memory, path);
		add_match(matches, chain, NULL);
	}
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
	qsort(matches.items, matches.count, sizeof(*matches.items), compare_files);
	files.items = arena_array(memory, struct certificate_file, matches.count);
	for (size_t i = 0; i < matches.count; i++)
		if (i == 0 || !text_equals(matches.items[i].path, matches.items[i - 1].path))
			files.items[files.count++] = matches.items[i];
	*ret_files = files;
	return 0;
}

bool certificate_files_hide(const struct certificate_files *files, const char *path)
{
	const struct certificate_file key = { .path = path }, *found = NULL;

	if (files->count)
		found = bsearch(&key, files->items, files->count, sizeof(key), compare_files);
	for (size_t i = 0; i < files->count && (!found || found->problem); i++) {
		const char *directory = files->items[i].path;
		size_t length = strlen(directory);

		if (files->items[i].problem && strncmp(path, directory, length) == 0 &&
		    (path[length] == '\0' || path[length] == '/'))
			return true;
	}
	return false;
}
