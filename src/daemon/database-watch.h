#pragma once

/*
 * Watches the database file, and has the listener reopen it where it was replaced, overwritten or
 * lost its -wal or -shm file. What cannot be opened leaves the open one in use, and is tried again.
 */

#include "store/store.h"
#include "util/base.h"

struct listener;

struct database_watch {
	const char *file; /* borrowed */
	struct listener *listener;
	struct store_files files; /* that are open */
	uint32_t change_counter;  /* of the database */
	int64_t due;		  /* when to look next, in milliseconds */
	unsigned failures;	  /* in a row */
	char reported[sizeof(((struct error *)NULL)->text)];
};

/* Begins once the listener has opened the database; warns where that has no domains. */
void database_watch_begin(struct database_watch *watch, const char *file, struct listener *listener,
			  int64_t now);

/* How long until database_watch_look() has something to do, in milliseconds. */
int database_watch_patience(const struct database_watch *watch, int64_t now);

/* Looks, if it is time: three stat() a second. */
void database_watch_look(struct database_watch *watch, int64_t now);

/* Reopens the database whatever it looks like. Returns whether that could be done. */
bool database_watch_reopen(struct database_watch *watch);
