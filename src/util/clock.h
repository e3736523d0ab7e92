#pragma once

/* A clock that never jumps. */

#include <time.h>

#include "util/base.h"

static inline int64_t clock_microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* In milliseconds. */
static inline int64_t clock_now(void)
{
	return clock_microseconds() / 1000;
}
