#pragma once

/*
 * Scope-bound ownership: acquire into a _cleanup_() variable, TAKE() it on the last line. Every
 * exit before that line is then safe.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Moves out what the variable owns and leaves it empty. */
#define TAKE(variable)                                    \
	({                                                \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL;                        \
		taken_;                                   \
	})

#define TAKE_FD(variable)                \
	({                               \
		int taken_ = (variable); \
		(variable) = -1;         \
		taken_;                  \
	})

/* Defines function##p, for use with _cleanup_(), from a destructor that accepts NULL. */
#define DEFINE_CLEANUP(type, function)                 \
	static inline void function##p(type *variable) \
	{                                              \
		if (*variable)                         \
			function(*variable);           \
	}                                              \
	struct cleanup_needs_a_semicolon_

static inline void freep(void *variable)
{
	free(*(void **)variable);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* NOLINTNEXTLINE(cert-err33-c): what writes a file closes it itself and checks the result. */
DEFINE_CLEANUP(FILE *, fclose);
