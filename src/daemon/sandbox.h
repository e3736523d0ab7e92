#pragma once

/*
 * The sandbox that the daemon enters wherever it runs: it gives up the file system except its own
 * directories, and new TCP connections (Landlock); all system calls that a server does not make
 * (seccomp, where it was built with libseccomp); and core dumps.
 */

#include "config/settings.h"
#include "util/base.h"

struct folder;
struct sandbox;

/*
 * Enters it, for good; threads that start later are in it too. What can still be read: the
 * directories of the settings file and of all that the settings name, and those that links in there
 * lead to; of a directory of the system, such as /etc, only the files that are named. The
 * database's directory can be written to as well. A part that the kernel lacks or refuses is left
 * out. Returns 0, or -1 with err set where a part is left out and the settings require all.
 */
int sandbox_enter(const struct settings *settings, const char *settings_file,
		  struct sandbox **ret_sandbox, struct error *err);

/* The directories and files that the settings name, and where links in them lead, in memory.
 * Returns how many there are. */
size_t sandbox_folders(struct arena *memory, const struct settings *settings,
		       const char *settings_file, const struct folder **ret_folders);

/* What is in force, for the log: landlock=7 seccomp=yes core-dumps=no; and where a part is not,
 * missing="PART (REASON), ...". */
const char *sandbox_text(const struct sandbox *sandbox);

/* The parts that the kernel, or what confines this process already, lacks or refuses, with the
 * reasons; NULL for none. */
const char *sandbox_refused(const struct sandbox *sandbox);

/* The first directory or file of what the settings name that cannot be read from in here, in
 * memory; NULL where there is none. */
const char *sandbox_misses(const struct sandbox *sandbox, struct arena *memory,
			   const struct settings *settings, const char *settings_file);

void sandbox_free(struct sandbox *sandbox);
DEFINE_CLEANUP(struct sandbox *, sandbox_free);
