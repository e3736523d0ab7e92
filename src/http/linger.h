#pragma once

/*
 * Connections that were answered, and are closed, while their client may still send. To close one
 * with something unread resets it, and a client that finds it broken while it sends may never look
 * for the answer (RFC 9112 9.6). So a descriptor of our own keeps the connection for a while, in
 * which what comes is dropped.
 */

#include "util/base.h"

/* How many of one worker linger; more are closed at once. */
#define LINGER_MAX 8

/* For how long, in milliseconds, and how often and how much of one is dropped, which
 * makes 6 MiB. */
#define LINGER_MS 2000
#define LINGER_STEP_MS 20
#define LINGER_STEP_SIZE ((size_t)64 * 1024)

/* One for each worker thread. */
struct lingering {
	struct {
		int fd;
		int64_t until;
	} connections[LINGER_MAX];
	size_t count;
	char dropped[LINGER_STEP_SIZE];
};

/* Keeps the connection of the descriptor, which is about to be closed. Nothing more is sent. */
void linger_add(struct lingering *lingering, int fd, int64_t now);

/* Drops what has come, and closes those whose client has closed, or whose time is over. */
void linger_drop(struct lingering *lingering, int64_t now);

/* When linger_drop() has something to do next; INT64_MAX for never. */
int64_t linger_next(const struct lingering *lingering, int64_t now);
