#pragma once

/*
 * A bounded number of threads that do jobs in the order in which they were added. The doctor's jobs
 * wait for others most of the time, so there are many more threads than processors.
 */

#include <stddef.h>

#include "util/cleanup.h"

struct error;
struct pool;

/* Stands in a struct of the caller's, who owns it until run() is over. */
struct job {
	struct job *next; /* the pool's */
	/* Runs in one of the threads; own is what the thread's begin() made. */
	void (*run)(struct job *job, void *own);
};

/* What each thread has for itself. Both may be NULL. */
struct pool_hooks {
	void *(*begin)(void *context);
	void (*end)(void *own);
	void *context;
};

/* Returns 0, or -1 with err set where no thread can be made; fewer than asked for will do. */
int pool_new(size_t threads, const struct pool_hooks *hooks, struct pool **ret_pool,
	     struct error *err);

/* Waits for all jobs. */
void pool_free(struct pool *pool);
DEFINE_CLEANUP(struct pool *, pool_free);

void pool_add(struct pool *pool, struct job *job);
