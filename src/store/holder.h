#pragma once

/* Who keeps a database locked. */

#include <stdbool.h>
#include <sys/types.h>

/* A database's files, opened to ask about their locks. -1 stands for none. */
struct holder_files {
	int shared, database;
};

#define HOLDER_FILES_NONE ((struct holder_files){ -1, -1 })

struct holder {
	pid_t process;
	char name[32]; /* of its program, or "a process" */
};

/*
 * Finds the process that holds a lock which keeps others from writing the database or from opening
 * it. Returns whether there is one that can be named: one in another container cannot.
 *
 * The files stay open until holder_close(): to close a file takes the locks of all connections that
 * this process has to it, SQLite's too, so that comes after theirs.
 */
bool holder_find(const char *path, struct holder_files *files, struct holder *ret_holder);
void holder_close(struct holder_files *files);
