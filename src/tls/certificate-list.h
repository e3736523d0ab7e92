#pragma once

/* The certificates that the settings name, as far as they can be read. */

#include <stddef.h>

#include "tls/certificate.h"

struct admin;
struct error;

struct loaded_certificates {
	const char **files;
	size_t n_files;
	struct certificate *certificates; /* as many as are good */
	size_t count;
	struct certificate **of_file; /* for each file, NULL where it does not load */
	const char **problems;	      /* for each file, why */
};

/* Returns 0, CERTIFICATES_NONE with err set where there are no files, or -1 with err set. */
int certificates_of_settings(struct admin *admin, struct loaded_certificates *loaded,
			     struct error *err);

/*
 * Replaces certificates that root can read and the daemon's user, the owner of the database's
 * directory, cannot by a problem: the daemon leaves them out. A child process with the rights of
 * that user tries to read them. Does nothing unless run by root. Returns 0, or -1 with err set.
 */
int certificates_leave_out_unreadable(struct admin *admin, struct loaded_certificates *loaded,
				      struct error *err);

void loaded_certificates_clear(struct loaded_certificates *loaded);
