#pragma once

/*
 * The monitor: what programs that watch us ask, on a port of their own, in a thread of its own:
 * /metrics (metrics.h), /healthz (whether the workers turn) and /readyz (whether requests can be
 * answered). It still answers when all workers are busy.
 */

#include "util/base.h"

struct monitor;
struct serving;
struct store;
struct worker;

/* The descriptors that it holds for each socket, its connections and the database among them. */
#define MONITOR_DESCRIPTORS 32

/* For these workers, at least one, which are borrowed. Takes over the store. */
struct monitor *monitor_new(struct worker *const *workers, size_t count, struct store *store,
			    bool has_https);

/* Takes over a listening socket. Returns 0, or -1 with err set. */
int monitor_add_socket(struct monitor *monitor, int fd, struct error *err);

/* Starts to answer. Returns 0, or -1 with err set. */
int monitor_start(struct monitor *monitor, struct error *err);

/* What it reports from now on; a reference to the certificates is taken. */
void monitor_set_serving(struct monitor *monitor, const struct serving *serving);
void monitor_set_store(struct monitor *monitor, struct store *store); /* taken over */
void monitor_set_reloaded(struct monitor *monitor, bool has_reloaded_all);

/* Answers nothing any more, and frees. */
void monitor_close(struct monitor *monitor);
DEFINE_CLEANUP(struct monitor *, monitor_close);
