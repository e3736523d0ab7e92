#pragma once

/*
 * The metrics server: what programs that watch us ask, on listeners of their own, in a thread of
 * its own: /metrics (metrics.h), /healthz (whether the workers turn) and /readyz (whether requests
 * can be answered). It still answers when all workers are busy.
 */

#include "util/base.h"

struct metrics_server;
struct serving;
struct store;
struct worker;

/* The descriptors that it holds for each socket, its connections and the database among them. */
#define METRICS_SERVER_DESCRIPTORS 32

/* For these workers, at least one, which are borrowed. Takes over the store. */
struct metrics_server *metrics_server_new(struct worker *const *workers, size_t count,
					  struct store *store, bool has_https);

/* Takes over a listening socket. Returns 0, or -1 with err set. */
int metrics_server_add_socket(struct metrics_server *server, int fd, struct error *err);

/* Starts to answer. Returns 0, or -1 with err set. */
int metrics_server_start(struct metrics_server *server, struct error *err);

/* What it reports from now on; a reference to the certificates is taken. */
void metrics_server_set_serving(struct metrics_server *server, const struct serving *serving);
void metrics_server_set_store(struct metrics_server *server, struct store *store); /* taken over */
void metrics_server_set_reloaded(struct metrics_server *server, bool has_reloaded_all);

/* Answers nothing any more, and frees. */
void metrics_server_close(struct metrics_server *server);
