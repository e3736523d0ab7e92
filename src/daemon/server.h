#pragma once

/* The daemon's life: start, reload, stop; the option --check-config; and what a start and
 * --check-config both do before anything is served. */

#include "util/base.h"

struct sandbox;
struct settings;

/* Exit statuses of mailconfd(8). */
enum { SERVER_DONE = 0, SERVER_FAILED = 1, SERVER_BAD_SETTINGS = 2 };

/* Serves until SIGTERM or SIGINT; reloads on SIGHUP. Becomes the user, unless that is NULL, once
 * the ports are bound. Returns an exit status. */
int server_run(const char *settings_file, const char *user);

/* Loads everything that server_run() would serve, and says on standard output what is good and on
 * standard error what is wrong. Run by root it does so as the user, or where that is NULL, as the
 * one who owns the directory of the database. Returns an exit status. */
int check_config(const char *settings_file, const char *user);

/* Sets this host's own name where the settings have no public name. own is that name, or NULL until
 * the resolver, which may take a while, was asked for it. */
void preparation_complete_settings(struct arena *memory, const char **own,
				   struct settings *settings);

/* Warns of each address for unencrypted requests that other hosts can connect to, and of a database
 * on a network file system. */
void preparation_warn_of_settings(const struct settings *settings,
				  void (*tell)(const char *sentence, void *context));

/* Warns of the parts of the sandbox that the kernel or a container refuses. */
void preparation_warn_of_sandbox(const struct sandbox *sandbox,
				 void (*tell)(const char *sentence, void *context));

/* Whether the settings file can be read, because a reload reads it with the user's rights. Returns
 * 0, or -1 with err set. */
int preparation_check_file(const char *settings_file, struct error *err);

/* Gives up root's rights: from here on they are those of the user, or where that is NULL of the
 * owner of the database's directory. Sets the name of that user, or NULL where nothing changed.
 * Returns 0, or -1 with err set. */
int preparation_become_service(struct arena *memory, const struct settings *settings,
			       const char *user, const char **ret_name, struct error *err);
