#pragma once

/* The daemon's life: start, reload, stop. */

/* Exit statuses of mailconfd(8). */
enum { SERVER_DONE = 0, SERVER_FAILED = 1, SERVER_BAD_SETTINGS = 2 };

/* Serves until SIGTERM or SIGINT; reloads on SIGHUP. Becomes the user, unless that is NULL, once
 * the ports are bound. Returns an exit status. */
int server_run(const char *settings_file, const char *user);
