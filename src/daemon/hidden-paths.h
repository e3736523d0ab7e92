#pragma once

/*
 * Paths of the settings that the unit of systemd hides from the daemon, or leaves read-only
 * (ProtectHome=, PrivateTmp=, ProtectSystem=), and the drop-in that opens them.
 */

#include "util/base.h"

struct settings;
struct texts;

struct confinement {
	bool hides_homes;     /* /home, /root and /run/user */
	bool has_private_tmp; /* /tmp and /var/tmp */
	bool is_read_only;    /* except writable, and what is never protected */
	const char *writable; /* directories, each followed by a space */
	const char *opened;   /* the same of what is shown although it is hidden */
};

/* That of the unit mailconfd.service, as systemctl(1) shows it. Returns whether there is one, which
 * starts the daemon with this settings file. */
bool confinement_of_unit(struct arena *memory, const char *settings_file,
			 struct confinement *ret_confinement);

/* That of this process, as its mounts show it. */
void confinement_of_process(struct arena *memory, struct confinement *ret_confinement);

/* Adds a warning for each path of the settings that the daemon cannot use under it, in their arena.
 */
void hidden_paths_find(const struct confinement *confinement, const struct settings *settings,
		       const char *settings_file, struct texts *warnings);
