#pragma once

/* The daemon's life: start, reload, stop. */

/* Serves until SIGTERM or SIGINT; reloads on SIGHUP. Becomes the user, unless that is NULL, once
 * the ports are bound. Returns an exit status of preparation.h. */
int server_run(const char *settings_file, const char *user);
