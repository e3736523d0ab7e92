#pragma once

/* The daemon's life: start, reload, stop. */

/* Exit statuses of mailconfd(8). */
enum { SERVER_DONE = 0, SERVER_FAILED = 1, SERVER_BAD_SETTINGS = 2 };

/* Serves until SIGTERM or SIGINT; reloads on SIGHUP. Returns an exit status. */
int server_run(const char *settings_file);

/* Loads everything that server_run() would serve, and says on standard output what is good and on
 * standard error what is wrong. Returns an exit status. */
int server_check(const char *settings_file);
