#pragma once

/* When the next scheduled renewal is: a timer asks every ten minutes, and reading all certificates
 * each time would be a waste. */

#include <stdbool.h>
#include <time.h>

/* The directory is that of accounts and keys, which is root's alone. */
bool schedule_is_due(const char *directory, time_t now);

/* Sets the time; a failure to do so makes it due. */
void schedule_set(const char *directory, time_t next);

/* Makes it due, because certificates have changed. */
void schedule_clear(const char *directory);
