#pragma once

/* The certificates of a number of globs, each with the reason why it cannot be used, and the names
 * that they cover: for programs that report on certificates instead of serving them. */

#include <time.h>

#include "tls/certificate.h"
#include "util/base.h"

struct listed_certificate {
	const char *file;
	const char *problem;		/* why it cannot be used, or NULL */
	struct certificate certificate; /* unless there is a problem */
};

struct certificate_list {
	const char *const *globs;
	size_t n_globs;
	struct listed_certificate *items; /* by file */
	size_t count;
	size_t n_usable; /* without a problem */
};

/* Loads what the globs match, which are borrowed. Lives in memory. Returns 0, CERTIFICATES_NONE
 * with err set and an empty list, or -1 with err set. */
int certificate_list_load(struct arena *memory, const char *const *globs, size_t n_globs,
			  struct certificate_list *ret_list, struct error *err);
void certificate_list_clear(struct certificate_list *list);

/*
 * Makes a problem of certificates that root can read and the daemon's user cannot: the daemon does
 * not serve them. Its user owns the directory of the database; a child process with the rights of
 * that user tries to read the files. Does nothing unless run by root. Returns 0, or -1 with err
 * set.
 */
int certificate_list_check_readable(struct arena *memory, struct certificate_list *list,
				    const char *database, struct error *err);

/* The names of certificates that are valid now: sorted, in lower case. */
struct coverage {
	const char **names;
	size_t count;
};

/* Lives in memory, and borrows the names of the certificates. */
struct coverage certificate_list_coverage(struct arena *memory, const struct certificate_list *list,
					  time_t now);

/* Whether one of them has the name, which is in lower case, or the wildcard that covers it. */
bool coverage_has(struct arena *memory, const struct coverage *coverage, const char *name);
