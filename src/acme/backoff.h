#pragma once

/*
 * Remembers which requests failed, so that they are not made again and again: authorities count
 * them. Each failure doubles the time until the next attempt, from 15 minutes to a week.
 */

#include <time.h>

/* The directory is ours alone. */
void failure_note(const char *directory, const char *domain);
void failure_forget(const char *directory, const char *domain);

/* When the request may be made again; 0 if it did not fail. A failure whose time is in the future,
 * because the clock was set back, counts as if it were now. */
time_t failure_until(const char *directory, const char *domain);
