/*
 * A bucket is one number (the generic cell rate algorithm, ITU-T I.371): the time at which it is
 * full again. Each token puts that off by the time that one takes to come back, and there is none
 * left when that would be further off than the whole bucket takes.
 */

#include "answer/rate-limit.h"

#include <pthread.h>

#include "util/digest.h"

#define PLACES 8

#define LOCKS 64

#define SECOND INT64_C(1000000000) /* nanoseconds: a /32 gets up to 1.6 million a second */

struct bucket {
	struct client_network network;
	int64_t full_at; /* 0 in a place that was never taken */
};

struct set {
	struct bucket buckets[PLACES];
};

/* Of the networks at one level of struct client_networks. */
struct table {
	pthread_mutex_t locks[LOCKS]; /* each of every LOCKSth set */
	struct set *sets;
	size_t n_sets;
};

struct rate_limit {
	struct hash_key key;
	struct table tables[CLIENT_NETWORKS_MAX];
};

/* One network's place during a call. */
struct visit {
	const struct client_network *network;
	pthread_mutex_t *lock;
	struct set *set;
	struct bucket *bucket; /* NULL while the table does not have it */
	int64_t each;	       /* nanoseconds until one token is back */
};

struct rate_limit *rate_limit_new(void)
{
	struct rate_limit *rate = xnew(struct rate_limit);

	rate->key = hash_key_new();
	for (size_t t = 0; t < CLIENT_NETWORKS_MAX; t++) {
		struct table *table = &rate->tables[t];

		table->n_sets = (t == 0 ? RATE_LIMIT_NETWORKS : RATE_LIMIT_WIDER_NETWORKS) / PLACES;
		table->sets = xcalloc(table->n_sets, sizeof(*table->sets));
		for (size_t i = 0; i < LOCKS; i++)
			pthread_mutex_init(&table->locks[i], NULL);
	}
	return rate;
}

void rate_limit_free(struct rate_limit *rate)
{
	if (!rate)
		return;
	for (size_t t = 0; t < CLIENT_NETWORKS_MAX; t++) {
		for (size_t i = 0; i < LOCKS; i++)
			pthread_mutex_destroy(&rate->tables[t].locks[i]);
		free(rate->tables[t].sets);
	}
	free(rate);
}

static struct bucket *replace_fullest(struct set *set, const struct client_network *network)
{
	struct bucket *fullest = set->buckets;

	for (struct bucket *bucket = set->buckets; bucket < set->buckets + PLACES; bucket++)
		if (bucket->full_at < fullest->full_at)
			fullest = bucket;
	*fullest = (struct bucket){ .network = *network };
	return fullest;
}

/* Locks the network's place. All calls lock the tables in the same order. */
static struct visit visit_network(struct rate_limit *rate, struct table *table,
				  const struct client_network *network)
{
	size_t index = hash_of(&rate->key, network, sizeof(*network)) % table->n_sets;
	struct visit visit = {
		.network = network,
		.lock = &table->locks[index % LOCKS],
		.set = &table->sets[index],
	};

	pthread_mutex_lock(visit.lock);
	for (size_t i = 0; i < PLACES && !visit.bucket; i++)
		if (memcmp(&visit.set->buckets[i].network, network, sizeof(*network)) == 0)
			visit.bucket = &visit.set->buckets[i];
	return visit;
}

/* When the bucket is full again if one more token is taken now. */
static int64_t full_after(const struct visit *visit, int64_t now)
{
	const struct bucket *bucket = visit->bucket;

	return (bucket && bucket->full_at > now ? bucket->full_at : now) + visit->each;
}

const struct client_network *rate_limit_take(struct rate_limit *rate,
					     const struct client_networks *networks,
					     unsigned per_second, unsigned burst, int64_t now)
{
	const struct client_network *empty = NULL;
	struct visit visits[CLIENT_NETWORKS_MAX];
	size_t visited = 0;

	now *= SECOND / 1000000;
	while (visited < networks->count && !empty) {
		const struct client_network *network = &networks->items[visited].network;
		int64_t factor = networks->items[visited].factor;
		struct visit *visit = &visits[visited];

		*visit = visit_network(rate, &rate->tables[visited], network);
		visit->each = SECOND / (per_second * factor);
		if (full_after(visit, now) - now > visit->each * burst * factor)
			empty = network;
		visited++;
	}
	for (size_t i = 0; i < visited; i++) {
		if (!empty && !visits[i].bucket)
			visits[i].bucket = replace_fullest(visits[i].set, visits[i].network);
		if (!empty)
			visits[i].bucket->full_at = full_after(&visits[i], now);
		pthread_mutex_unlock(visits[i].lock);
	}
	return empty;
}
