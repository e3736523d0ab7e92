#pragma once

/*
 * A bounded number of threads that run jobs in the order in which they were added. The doctor's
 * jobs mostly wait for servers, so there are many more threads than processors.
 */

#include "util/base.h"

struct pool;

/* Part of a struct of the caller, who owns it and may free it after pool_wait() or pool_free(). */
struct job {
	struct job *next; /* the pool's, as is_done */
	bool is_done;
	/* Runs in one of the threads; own is what the thread's begin() returned. */
	void (*run)(struct job *job, void *own);
};

/* What each thread has for itself. Both may be NULL. */
struct pool_hooks {
	void *(*begin)(void *context);
	void (*end)(void *own);
	void *context;
};

/* Starts up to so many threads. Returns 0, or -1 with err set if none can be started. */
int pool_new(size_t threads, const struct pool_hooks *hooks, struct pool **ret_pool,
	     struct error *err);

/* Waits for all jobs. */
void pool_free(struct pool *pool);
DEFINE_CLEANUP(struct pool *, pool_free);

void pool_add(struct pool *pool, struct job *job);

/* Waits until the job is done. */
void pool_wait(struct pool *pool, const struct job *job);
