#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "doctor/pool.h"
#include "unit/fixture.h"

#define JOBS 2000
#define THREADS 8

struct counted {
	struct job job;
	int runs;
	void *own;
};

static atomic_int begun, ended;

static void *begin(void *context)
{
	(void)atomic_fetch_add((atomic_int *)context, 1);
	return malloc(1);
}

static void end(void *own)
{
	free(own);
	(void)atomic_fetch_add(&ended, 1);
}

static void run(struct job *job, void *own)
{
	struct counted *counted = (struct counted *)job;

	counted->runs++;
	counted->own = own;
}

/* Every job is done once, those left when the pool ends too, and each thread has its own things. */
static void test_every_job_once(void **state)
{
	static struct counted jobs[JOBS];
	const struct pool_hooks hooks = { begin, end, &begun };
	struct pool *pool = NULL;
	struct error err;

	assert_int_equal(pool_new(THREADS, &hooks, &pool, &err), 0);
	for (size_t i = 0; i < JOBS; i++) {
		jobs[i].job.run = run;
		pool_add(pool, &jobs[i].job);
	}
	pool_free(pool);
	for (size_t i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].runs, 1);
		assert_non_null(jobs[i].own);
	}
	assert_int_equal(atomic_load(&begun), THREADS);
	assert_int_equal(atomic_load(&ended), THREADS);
}

struct meeting {
	struct job job;
	pthread_barrier_t *barrier;
};

static void meet(struct job *job, void *own)
{
	(void)pthread_barrier_wait(((struct meeting *)job)->barrier);
}

/* Jobs that wait for one another end only if they run side by side. */
static void test_side_by_side(void **state)
{
	const struct pool_hooks hooks = { 0 };
	struct meeting meetings[THREADS];
	pthread_barrier_t barrier;
	struct pool *pool = NULL;
	struct error err;

	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	assert_int_equal(pool_new(THREADS, &hooks, &pool, &err), 0);
	for (size_t i = 0; i < THREADS; i++) {
		meetings[i] = (struct meeting){ .job.run = meet, .barrier = &barrier };
		pool_add(pool, &meetings[i].job);
	}
	pool_free(pool);
	assert_int_equal(pthread_barrier_destroy(&barrier), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_job_once),
		cmocka_unit_test(test_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
