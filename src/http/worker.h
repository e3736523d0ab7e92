#pragma once

/*
 * A worker: one thread with its own listening sockets, its own libmicrohttpd daemon for each, its
 * own epoll loop and its own connection to the database. Workers share nothing but what is handed
 * to them by pointer.
 */

#include "http/connection.h"
#include "http/linger.h"
#include "http/sockets.h"
#include "util/base.h"

struct client_suites;
struct counters;
struct client_limits;
struct store;
struct ticket_key;
struct worker;

/* What is borrowed is shared by all workers. */
struct worker_options {
	const char *priorities;		    /* of GnuTLS */
	const struct client_suites *suites; /* of the priorities */
	struct ticket_key *ticket_key;
	unsigned connections_max; /* for each listening socket */
	unsigned idle_timeout;	  /* of a connection, in seconds */
	struct client_limits *limits;
};

/* The descriptors that a worker holds: its epoll set, its wake-up call, the database with its -wal
 * and -shm, and connections that linger; and for each listening socket that itself, and
 * libmicrohttpd's epoll set and eventfd. */
#define WORKER_DESCRIPTORS (5 + LINGER_MAX)
#define WORKER_SOCKET_DESCRIPTORS 3

/* Takes over the store, also where it fails. Listens nowhere yet. Returns 0, or -1 with err set. */
int worker_new(const struct worker_options *options, struct store *store,
	       struct worker **ret_worker, struct error *err);

/* Takes over a listening socket. Returns 0, or -1 with err set. */
int worker_add_socket(struct worker *worker, int fd, enum socket_kind kind, struct error *err);

/* Starts the thread. Returns 0, or -1 with err set. */
int worker_start(struct worker *worker, struct error *err);

/* Hands over what connections and requests are served with from now on; references are taken. Until
 * there are certificates, handshakes wait; templates must be there before worker_start(). May be
 * called from any thread. */
void worker_set_serving(struct worker *worker, const struct serving *serving);

/* Hands over another connection to the database, which takes the place of the old one; NULL closes
 * it, and requests wait. worker_has_store() tells when that is done. */
void worker_set_store(struct worker *worker, struct store *store);
bool worker_has_store(const struct worker *worker);

/* How often the worker's loop has turned; and makes it turn once more, which it does at once unless
 * it hangs. May be called from any thread. */
unsigned worker_turns(struct worker *worker);

/* What it counts, as long as the worker lives. */
const struct counters *worker_counters(const struct worker *worker);

/* Asks the worker to finish: it accepts nothing more, and ends once the requests under way are
 * answered. worker_free() waits for that. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);
DEFINE_CLEANUP(struct worker *, worker_free);
