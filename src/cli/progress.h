#pragma once

/* A progress bar on standard error, if that is a terminal. */

#include "util/base.h"

struct progress {
	const char *doing; /* "reading" */
	long long whole;   /* the final value of done, 0 if unknown */
	int64_t next;	   /* when it is drawn again */
	bool is_shown, is_drawn;
};

void progress_begin(struct progress *progress, const char *doing, long long whole);

/* Redraws it, at most ten times a second. */
void progress_at(struct progress *progress, long long done);

/* Clears the line. */
void progress_end(struct progress *progress);
