#include "doctor/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/error.h"

/* Enough for a handshake and a resolver, of which there are many at a time. */
#define STACK_SIZE ((size_t)512 * 1024)

struct pool {
	struct pool_hooks hooks;
	pthread_t *threads;
	size_t n_threads;

	/* Guarded by lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, **last;
	bool is_ending;
};

/* The next job; NULL once there will be no more. */
static struct job *take(struct pool *pool)
{
	struct job *job;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->is_ending)
		pthread_cond_wait(&pool->changed, &pool->lock);
	job = pool->first;
	if (job) {
		pool->first = job->next;
		if (!pool->first)
			pool->last = &pool->first;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *work(void *argument)
{
	struct pool *pool = argument;
	void *own = pool->hooks.begin ? pool->hooks.begin(pool->hooks.context) : NULL;
	struct job *job;

	while ((job = take(pool)))
		job->run(job, own);
	if (pool->hooks.end)
		pool->hooks.end(own);
	return NULL;
}

int pool_new(size_t threads, const struct pool_hooks *hooks, struct pool **ret_pool,
	     struct error *err)
{
	struct pool *pool = xnew(struct pool);
	pthread_attr_t attributes;
	int failed = 0;

	pool->hooks = *hooks;
	pool->threads = xcalloc(threads, sizeof(*pool->threads));
	pool->last = &pool->first;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (pool->n_threads < threads && !failed) {
		failed = pthread_create(&pool->threads[pool->n_threads], &attributes, work, pool);
		if (!failed)
			pool->n_threads++;
	}
	pthread_attr_destroy(&attributes);
	if (pool->n_threads == 0) {
		pool_free(pool);
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s", strerror(failed));
	}
	*ret_pool = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->is_ending = true;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}

void pool_add(struct pool *pool, struct job *job)
{
	pthread_mutex_lock(&pool->lock);
	job->next = NULL;
	*pool->last = job;
	pool->last = &job->next;
	pthread_cond_signal(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}
