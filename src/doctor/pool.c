#include "doctor/pool.h"

#include <pthread.h>

/* Enough for a TLS handshake and a resolver. */
#define STACK_SIZE ((size_t)512 * 1024)

struct pool {
	struct pool_hooks hooks;
	pthread_t *threads;
	size_t n_threads;

	/* Guarded by lock. */
	pthread_mutex_t lock;
	pthread_cond_t is_added, is_done; /* a job */
	struct job *first, **last;
	bool is_ending;
};

static void *run_jobs(void *argument)
{
	struct pool *pool = argument;
	void *own = pool->hooks.begin ? pool->hooks.begin(pool->hooks.context) : NULL;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct job *job;

		while (!pool->first && !pool->is_ending)
			pthread_cond_wait(&pool->is_added, &pool->lock);
		job = pool->first;
		if (!job)
			break;
		pool->first = job->next;
		if (!pool->first)
			pool->last = &pool->first;
		pthread_mutex_unlock(&pool->lock);
		job->run(job, own);
		pthread_mutex_lock(&pool->lock);
		job->is_done = true;
		pthread_cond_broadcast(&pool->is_done);
	}
	pthread_mutex_unlock(&pool->lock);
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
	pthread_cond_init(&pool->is_added, NULL);
	pthread_cond_init(&pool->is_done, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (pool->n_threads < threads &&
	       (failed = pthread_create(&pool->threads[pool->n_threads], &attributes, run_jobs,
					pool)) == 0)
		pool->n_threads++;
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
	pthread_cond_broadcast(&pool->is_added);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->is_added);
	pthread_cond_destroy(&pool->is_done);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}

void pool_add(struct pool *pool, struct job *job)
{
	pthread_mutex_lock(&pool->lock);
	job->next = NULL;
	job->is_done = false;
	*pool->last = job;
	pool->last = &job->next;
	pthread_cond_signal(&pool->is_added);
	pthread_mutex_unlock(&pool->lock);
}

void pool_wait(struct pool *pool, const struct job *job)
{
	pthread_mutex_lock(&pool->lock);
	while (!job->is_done)
		pthread_cond_wait(&pool->is_done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}
