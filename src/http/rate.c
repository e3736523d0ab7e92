/*
 * A bucket is one number (the generic cell rate algorithm, ITU-T I.371): the time at which it is
 * full again. Each token puts that off by the time that one takes to come back, and there is none
 * left when that would be further off than the whole bucket takes.
 */

#include "http/rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/hash.h"

#define PLACES 8
#define SETS (RATE_NETWORKS / PLACES)

#define LOCKS 64

#define SECOND INT64_C(1000000)

struct bucket {
	struct client_network network;
	int64_t full_at; /* 0 in a place that was never taken */
};

struct set {
	struct bucket buckets[PLACES];
};

struct rate {
	struct hash_key key;
	pthread_mutex_t locks[LOCKS]; /* each of every so manieth set */
	struct set *sets;
};

struct rate *rate_new(void)
{
	struct rate *rate = xnew(struct rate);

	rate->key = hash_key_new();
	rate->sets = xcalloc(SETS, sizeof(*rate->sets));
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&rate->locks[i], NULL);
	return rate;
}

void rate_free(struct rate *rate)
{
	if (!rate)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&rate->locks[i]);
	free(rate->sets);
	free(rate);
}

static struct bucket *find(struct set *set, const struct client_network *network)
{
	struct bucket *fullest = set->buckets;

	for (struct bucket *bucket = set->buckets; bucket < set->buckets + PLACES; bucket++) {
		if (memcmp(&bucket->network, network, sizeof(*network)) == 0)
			return bucket;
		if (bucket->full_at < fullest->full_at)
			fullest = bucket;
	}
	*fullest = (struct bucket){ .network = *network };
	return fullest;
}

static bool take(struct bucket *bucket, unsigned per_second, unsigned burst, int64_t now)
{
	int64_t each = SECOND / per_second;
	int64_t full_at = (bucket->full_at > now ? bucket->full_at : now) + each;

	if (full_at - now > each * burst)
		return false;
	bucket->full_at = full_at;
	return true;
}

bool rate_take(struct rate *rate, const struct client_network *network, unsigned per_second,
	       unsigned burst, int64_t now)
{
	size_t index = hash_of(&rate->key, network, sizeof(*network)) % SETS;
	pthread_mutex_t *lock = &rate->locks[index % LOCKS];
	bool was_there;

	(void)pthread_mutex_lock(lock);
	was_there = take(find(&rate->sets[index], network), per_second, burst, now);
	(void)pthread_mutex_unlock(lock);
	return was_there;
}
