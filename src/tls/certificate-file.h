#pragma once

/* Files of certificates: found, loaded, and looked at again for whether they have changed. */

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "tls/certificate.h"

/* A key with a whole chain takes some 10 KiB; what is larger is something else. */
#define CERTIFICATE_FILE_LIMIT ((size_t)256 * 1024)

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
 * file of the chain (layout.h). A directory stands for the pairs in it, and for its fullchain.pem
 * where it has none; the key of a pair stands for the pair. A glob that ends in a slash names
 * directories only. A directory that a glob has to read and cannot is an item with a problem.
 * Lives in memory. Returns 0 or CERTIFICATES_NONE.
 */
int certificate_files_find(struct arena *memory, const char *const *globs, size_t n_globs,
			   struct certificate_files *ret_files, struct error *err);

/* The item with this path, NULL where there is none. */
const struct certificate_file *certificate_files_get(const struct certificate_files *files,
						     const char *path);

/* Whether the file is not among them because a directory that it may be in cannot be read. */
bool certificate_files_hide(const struct certificate_files *files, const char *path);

/*
 * Loads a PEM file, as certificate_parse() reads it. A file without a key takes that of the file
 * beside it which layout_key_of() names. Returns 0, or -1 with err set to a sentence that names the
 * file.
 */
int certificate_file_load(struct arena *memory, const char *file, certificates_warner warn,
			  void *context, struct certificate *ret_certificate, struct error *err);

/* What tells whether the files of a certificate are still those that it was loaded from. A key that
 * does not stand beside the chain has zeroes. */
struct certificate_stamp {
	struct file_stamp {
		dev_t device;
		ino_t number;
		off_t size;
		struct timespec written, changed;
	} chain, key;
};

/* As the files are at this moment; to be taken before they are loaded. */
struct certificate_stamp certificate_stamp_take(const char *file);
bool certificate_stamp_equals(const struct certificate_stamp *a, const struct certificate_stamp *b);
