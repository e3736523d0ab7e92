#pragma once

/* The certificates that the settings name, as far as they can be read. */

#include <stddef.h>

#include "tls/certificate.h"

struct cli;
struct error;

struct loaded_certificates {
	const char **files;
	size_t n_files;
	struct certificate *certificates; /* as many as are good */
	size_t count;
	const struct certificate **of_file; /* for each file, NULL where it does not load */
	const char **problems;		    /* for each file, why */
};

/* Returns 0, CERTIFICATES_NONE with err set where there are no files, or -1 with err set. */
int certificates_of_settings(struct cli *cli, struct loaded_certificates *loaded,
			     struct error *err);
void loaded_certificates_clear(struct loaded_certificates *loaded);
