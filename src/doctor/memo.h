#pragma once

/* A map from texts to pointers, for any number of threads. */

#include "util/base.h"

struct memo;

struct memo *memo_new(void);
void memo_free(struct memo *memo);
DEFINE_CLEANUP(struct memo *, memo_free);

/* The pointer of the text, or NULL. */
void *memo_get(struct memo *memo, const char *text);

/* Keeps the pointer, unless there is one already. */
void memo_put(struct memo *memo, const char *text, void *pointer);
