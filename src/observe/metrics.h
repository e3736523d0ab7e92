#pragma once

/* The metrics as text, for Prometheus and what reads the same (text format 0.0.4). */

#include "util/base.h"

struct certificates;
struct counters;

#define METRICS_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What they are made of. Times are seconds of the calendar. */
struct metrics {
	const struct counters *const *counters; /* of each worker */
	size_t n_counters;
	const struct certificates *certificates; /* NULL where there are none */
	const bool *retired; /* for each of them: its expiry is not shown; or NULL */
	unsigned log_lines_lost;
	int64_t now, started, reloaded;
	bool has_reloaded_all;			  /* the last time */
	const char *microhttpd, *gnutls, *sqlite; /* their versions */
};

/* Adds all. Of what is counted by labels, only combinations that occurred are there. */
void metrics_write(struct bytes *text, const struct metrics *metrics);
