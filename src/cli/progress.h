#pragma once

/* A bar on the terminal that standard error is; nothing where it is none. */

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *doing; /* "reading" */
	long long whole;   /* what done counts up to, 0 where nobody knows */
	int64_t next;	   /* when it is drawn again */
	bool is_shown, is_drawn;
};

void progress_begin(struct progress *progress, const char *doing, long long whole);

/* Draws it, not more often than a person sees. */
void progress_at(struct progress *progress, long long done);

/* Wipes it from the line. */
void progress_end(struct progress *progress);
