#pragma once

/* What was found out once and holds for the whole run, by text; for any number of threads. */

#include <stdbool.h>

#include "util/cleanup.h"

struct memo;

struct memo *memo_new(void);
void memo_free(struct memo *memo);
DEFINE_CLEANUP(struct memo *, memo_free);

/* The pointer kept under the text, NULL where there is none. */
void *memo_get(struct memo *memo, const char *text);

/* Keeps the pointer, unless there is one already. Returns the one that is kept. */
void *memo_put(struct memo *memo, const char *text, void *pointer);
