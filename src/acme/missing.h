#pragma once

/* Certificates for all domains that have none: 'certificate request --missing', and what the timer
 * does if the settings say so. */

#include <stdbool.h>

struct error;
struct issuing;

/* Requests them from the server. Domains of which no name resolves to this server, those that the
 * CA would refuse, and those whose lookup or last request failed, are counted in a line each;
 * details only with is_verbose, or in JSON. Returns 0, or -1 with err set where it is of no use to
 * go on. */
int missing_request(struct issuing *issuing, const char *server, bool is_verbose,
		    struct error *err);
