#pragma once

/*
 * The listener: takes requests from the network and sends what answer() makes of them. It is so
 * many workers (worker.h) that share the listening sockets (sockets.h).
 */

#include "config/settings.h"
#include "util/base.h"

struct certificates;
struct listener;
struct signer;
struct sockets;
struct templates;

/* How many worker threads the settings ask for. */
unsigned listener_threads_of(const struct settings *settings);

/* Opens the database and listens on the sockets, which were opened for so many workers; clients
 * can connect from now on and wait. Returns 0, or -1 with err set to a sentence that names the file
 * or address. */
int listener_open(const struct settings *settings, struct sockets *sockets,
		  struct listener **ret_listener, struct error *err);

/* Starts to serve. Until there are certificates, handshakes wait. Returns 0, or -1 with err set. */
int listener_start(struct listener *listener, struct templates *templates, struct error *err);

/* Whether the listener of metrics failed, which is logged and keeps nothing else from serving. */
bool listener_misses_metrics(const struct listener *listener);

/* Hands over what connections and requests to come are served with; references are taken. */
void listener_set_certificates(struct listener *listener, struct certificates *certificates);
void listener_set_templates(struct listener *listener, struct templates *templates);
void listener_set_signer(struct listener *listener, struct signer *signer); /* NULL for none */
void listener_set_rules(struct listener *listener, const struct settings *settings);

/* Opens the database again, for all threads: before they close the old one, which stays in use
 * where that fails; or after that, where connections to the same file must not share its old -shm
 * file. Requests wait meanwhile. Returns 0, or -1 with err set. */
int listener_reopen_database(struct listener *listener, const char *file, bool closes_first,
			     struct error *err);

/* Everything was reloaded, or something old stays in use: for the metrics. */
void listener_tell_reloaded(struct listener *listener, bool is_whole);

/* Regular work: logs what was counted instead of logged in the minute that is over, and replaces
 * the key of session tickets once a week. now is clock_now(). */
void listener_tick(struct listener *listener, int64_t now);

/* What the main thread has seen of a worker's loop: how often it had turned, and since when. Zero
 * until it looks for the first time. */
struct pulse {
	unsigned turns;
	int64_t since;
};

/* Whether the loop, which has turned so often by now, has not done so for that long. A loop that is
 * looked at for the first time may not have begun, and has that long to turn. */
bool pulse_has_stopped(struct pulse *pulse, unsigned turns, int64_t now, int64_t patience);

/* How many workers have not turned for that long, in microseconds, and so serve no client. Each of
 * them is woken, and turns before the next call unless it hangs. now is clock_microseconds(). */
unsigned listener_hanging(struct listener *listener, int64_t now, int64_t patience);

/* Finishes the requests under way (for 10 s at most), and frees. */
void listener_close(struct listener *listener);
DEFINE_CLEANUP(struct listener *, listener_close);
