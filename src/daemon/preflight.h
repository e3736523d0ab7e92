#pragma once

/* Whether the daemon could listen on the addresses of the settings, for --check-config: tried with
 * what a start does, and without disturbing one that runs. */

#include "util/base.h"

struct settings;
struct texts;

/* Adds an error for each address that a start could not open; a warning where that cannot be tried;
 * and a note where it is in use by a daemon with the same settings. The texts are in their arenas.
 */
void preflight_ports(const struct settings *settings, const char *settings_file,
		     struct texts *errors, struct texts *warnings, struct texts *notes);
