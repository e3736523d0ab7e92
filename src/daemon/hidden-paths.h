#pragma once

/*
 * Paths of the settings that the unit of systemd hides from the daemon, or leaves read-only
 * (ProtectHome=, PrivateTmp=, ProtectSystem=), and the drop-in that opens them.
 */

#include "util/base.h"

struct settings;

/* Warns of each path of the settings that the daemon cannot use. If this process is the service,
 * its mounts show that; else systemctl(1), if there is the unit mailconfd.service and it starts the
 * daemon with this settings file. */
void hidden_paths_warn(const struct settings *settings, const char *settings_file, bool is_service,
		       void (*tell)(const char *sentence, void *context));
