#pragma once

/* The option --check-config. */

/* Loads everything that server_run() would serve, and says on standard output what is good and on
 * standard error what is wrong. Run by root it does so as the user, or where that is NULL, as the
 * one who owns the directory of the database. Returns an exit status of preparation.h. */
int check_config(const char *settings_file, const char *user);
