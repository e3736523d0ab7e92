#include "tls/layout.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "util/arena.h"
#include "util/bytes.h"
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
static bool fits(const char *pattern, const char *name, size_t *ret_stem)
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

static const char *name_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

/* The path beside the file that a pattern gives with this stem of the file's name. */
static const char *beside(struct arena *memory, const char *file, size_t stem, const char *pattern)
{
	const char *name = name_of(file);

	return arena_printf(memory, "%.*s%.*s%s", (int)(name - file), file, (int)stem, name,
			    *pattern == '*' ? pattern + 1 : pattern);
}

static bool exists(const char *file)
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

		if (!fits(layouts[i].chain, name_of(chain_file), &stem))
			continue;
		key = beside(memory, chain_file, stem, layouts[i].key);
		if (exists(key))
			return key;
		if (!first)
			first = key;
	}
	return first;
}

static bool is_part_of(const struct layout *layout, const char *name, size_t *ret_stem)
{
	for (size_t i = 0; i < OTHERS_MAX && layout->others[i]; i++)
		if (fits(layout->others[i], name, ret_stem))
			return true;
	return fits(layout->key, name, ret_stem);
}

const char *layout_chain_of(struct arena *memory, const char *file)
{
	size_t stem;

	for (size_t i = 0; i < LAYOUTS; i++) {
		const char *chain;

		if (!is_part_of(&layouts[i], name_of(file), &stem))
			continue;
		chain = beside(memory, file, stem, layouts[i].chain);
		if (exists(chain) && exists(beside(memory, file, stem, layouts[i].key)))
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

	if (fits(layout->chain, chain_name, &stem) && exists(chain) &&
	    exists(beside(memory, chain, stem, layout->key)))
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
		if (fits(layouts[i].chain, name, &stem) || fits(layouts[i].key, name, &stem))
			return true;
	return false;
}

void layout_partners(struct texts *partners, const char *name)
{
	size_t stem;

	for (size_t i = 0; i < LAYOUTS; i++) {
		if (fits(layouts[i].chain, name, &stem))
			texts_add(partners, beside(partners->memory, name, stem, layouts[i].key));
		if (fits(layouts[i].key, name, &stem))
			texts_add(partners, beside(partners->memory, name, stem, layouts[i].chain));
	}
}
