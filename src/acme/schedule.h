#pragma once

/*
 * When certificates are requested again, in files of the directory of accounts and keys: a failed
 * request after a pause that doubles (exponential backoff), from 15 minutes to a week, because CAs
 * count failures; and the next scheduled renewal, because the timer runs every ten minutes and
 * reading all certificates takes time.
 */

#include <time.h>

#include "util/base.h"

void backoff_note_failure(const char *directory, const char *domain);
void backoff_forget(const char *directory, const char *domain);

/* When the request may be made again; 0 if it did not fail. A failure whose time is in the future,
 * because the clock was set back, counts as if it were now. */
time_t backoff_until(const char *directory, const char *domain);

bool schedule_is_due(const char *directory, time_t now);

/* Sets the time of the next renewal; if that fails, it is due. */
void schedule_set(const char *directory, time_t next);

/* Makes it due, because certificates have changed. */
void schedule_clear(const char *directory);
