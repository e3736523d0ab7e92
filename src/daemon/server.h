#pragma once

/* The daemon's life: start, reload, stop. */

/* Exit statuses of mailconfd(8). */
enum { SERVER_DONE = 0, SERVER_FAILED = 1, SERVER_BAD_SETTINGS = 2 };

/* Serves until SIGTERM or SIGINT; reloads on SIGHUP. Becomes the user, unless that is NULL, once
 * the ports are bound. Returns an exit status. */
int server_run(const char *settings_file, const char *user);

/* Loads everything that server_run() would serve, and says on standard output what is good and on
 * standard error what is wrong. Run by root it does so as the user, or where that is NULL, as the
 * one who owns the directory of the database. Returns an exit status. */
int server_check(const char *settings_file, const char *user);
