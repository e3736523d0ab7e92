#pragma once

/* A clock that never jumps. */

#include <stdint.h>

int64_t clock_now(void); /* in milliseconds */
int64_t clock_microseconds(void);
