#pragma once

/*
 * Which files the globs of the settings name. ACME clients and orchestrators write a certificate as
 * two files in one directory, its chain and its key, under names that differ by program: a layout.
 */

#include "util/base.h"

struct texts;

struct certificate_file {
	const char *path;
	const char *problem; /* of a directory that cannot be read, a sentence; NULL of a file */
};

/* In the order of paths, each once; and a sentence for each glob that matches nothing. */
struct certificate_files {
	struct certificate_file *items;
	const char **complaints;
	size_t count, n_complaints;
};

/* The globs match nothing at all: an expected outcome, with err set to what to do. */
enum { CERTIFICATES_NONE = 1 };

/*
 * Expands the globs to the files that they name: a PEM file with chain and key, or of a pair the
 * file of the chain. A directory stands for the pairs in it, and for its fullchain.pem
 * where it has none; the key of a pair stands for the pair. A glob that ends in a slash names
 * directories only. A directory that a glob has to read and cannot is an item with a problem.
 * Lives in memory. Returns 0 or CERTIFICATES_NONE.
 */
int certificate_files_find(struct arena *memory, const char *const *globs, size_t n_globs,
			   struct certificate_files *ret_files, struct error *err);

/* Whether the file is not among them because a directory that it may be in cannot be read. */
bool certificate_files_hide(const struct certificate_files *files, const char *path);

/* What messages recommend. */
#define LAYOUT_CHAIN "fullchain.pem"
#define LAYOUT_KEY "privkey.pem"

/* The file of the key for a file of a chain: the first one that exists, or else the most common
 * one. NULL where the name of the chain is in no layout. Lives in memory. */
const char *layout_key_of(struct arena *memory, const char *chain_file);

/* Whether a file of this name is the chain or the key of some layout. */
bool layout_has(const char *name);

/* Adds the names of keys for the name of a chain, and of chains for the name of a key. The name may
 * be a pattern. */
void layout_partners(struct texts *partners, const char *name);
