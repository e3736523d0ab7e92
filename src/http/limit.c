#include "http/limit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config/settings.h"
#include "http/rate.h"
#include "http/refusals.h"
#include "util/arena.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/network.h"

/* A network has its place in one of the sets, each with a lock of its own. */
#define PLACES 8
#define SETS (LIMIT_NETWORKS / PLACES)

struct place {
	struct client_network network;
	int64_t until; /* the end of its hour; 0 while the place was never taken */
	unsigned count;
	bool is_told;				   /* that it reached the bound */
	uint32_t asked[ADDRESSES_PER_NETWORK_MAX]; /* hashes of addresses, count of them */
};

struct set {
	pthread_mutex_t lock;
	struct place places[PLACES];
};

struct limit {
	struct hash_key key;
	struct set *sets;
	struct rate *rate;
	struct refusals *refusals;
	pthread_rwlock_t lock; /* of what follows */
	struct limit_rules rules;
	char *trusted;
};

struct limit *limit_new(void)
{
	struct limit *limit = xnew(struct limit);

	limit->key = hash_key_new();
	limit->sets = xcalloc(SETS, sizeof(*limit->sets));
	limit->rate = rate_new();
	limit->refusals = refusals_new();
	limit->trusted = xstrdup("");
	for (size_t i = 0; i < SETS; i++)
		(void)pthread_mutex_init(&limit->sets[i].lock, NULL);
	(void)pthread_rwlock_init(&limit->lock, NULL);
	return limit;
}

void limit_free(struct limit *limit)
{
	if (!limit)
		return;
	for (size_t i = 0; i < SETS; i++)
		(void)pthread_mutex_destroy(&limit->sets[i].lock);
	(void)pthread_rwlock_destroy(&limit->lock);
	free(limit->sets);
	rate_free(limit->rate);
	refusals_free(limit->refusals);
	free(limit->trusted);
	free(limit);
}

void limit_set(struct limit *limit, const struct limit_rules *rules)
{
	char *trusted = xstrdup(rules->trusted);

	(void)pthread_rwlock_wrlock(&limit->lock);
	free(limit->trusted);
	limit->trusted = trusted;
	limit->rules = *rules;
	limit->rules.trusted = NULL;
	(void)pthread_rwlock_unlock(&limit->lock);
}

/* Without the trusted networks. */
static struct limit_rules rules_of(struct limit *limit)
{
	struct limit_rules rules;

	(void)pthread_rwlock_rdlock(&limit->lock);
	rules = limit->rules;
	(void)pthread_rwlock_unlock(&limit->lock);
	return rules;
}

static bool is_trusted(struct limit *limit, const struct sockaddr *client)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	bool is_trusted;

	(void)pthread_rwlock_rdlock(&limit->lock);
	is_trusted = networks_contain(&memory, limit->trusted, client);
	(void)pthread_rwlock_unlock(&limit->lock);
	return is_trusted;
}

/* Whether a should give way rather than b. */
static bool is_worth_less(const struct place *a, const struct place *b, int64_t now)
{
	bool is_over = a->until <= now;

	if (is_over != (b->until <= now))
		return is_over;
	return a->count != b->count ? a->count < b->count : a->until < b->until;
}

static struct place *take_place(struct set *set, const struct client_network *network, int64_t now)
{
	struct place *least = &set->places[0];

	for (struct place *place = set->places; place < set->places + PLACES; place++) {
		if (place->until > now && memcmp(&place->network, network, sizeof(*network)) == 0)
			return place;
		if (is_worth_less(place, least, now))
			least = place;
	}
	least->network = *network;
	least->until = now + LIMIT_PERIOD_MS;
	least->count = 0;
	least->is_told = false;
	return least;
}

/* Returns whether the address is within the bound. */
static bool count_address(struct place *place, uint32_t address, unsigned addresses)
{
	for (unsigned i = 0; i < place->count; i++)
		if (place->asked[i] == address)
			return true;
	if (place->count >= addresses)
		return false;
	place->asked[place->count++] = address;
	return true;
}

static void tell(const struct client_network *network, unsigned addresses)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	log_warning("network %s asks for more than %u different addresses within an hour: for "
		    "others than these it gets what an address without a user gets; if it is one "
		    "of yours, name it in [limits] trusted",
		    client_network_text(&memory, network), addresses);
}

bool limit_allows(struct limit *limit, const struct sockaddr *client, const char *address,
		  int64_t now)
{
	const struct limit_rules rules = rules_of(limit);
	const struct client_network network = network_of_client(client, &rules.bits);
	bool is_allowed, must_tell = false;
	struct place *place;
	struct set *set;
	uint32_t hash;

	if (rules.addresses == 0)
		return true;
	set = &limit->sets[hash_of(&limit->key, &network, sizeof(network)) % SETS];
	hash = (uint32_t)hash_of(&limit->key, address, strlen(address));
	(void)pthread_mutex_lock(&set->lock);
	place = take_place(set, &network, now);
	is_allowed = count_address(place, hash, rules.addresses);
	if (!is_allowed && !place->is_told)
		must_tell = place->is_told = true;
	(void)pthread_mutex_unlock(&set->lock);
	if (is_allowed || is_trusted(limit, client))
		return true;
	if (must_tell)
		tell(&network, rules.addresses);
	return false;
}

/* Whom a trusted proxy did not name (see forwarded.h): it asks for everybody. */
static bool is_nobody(const struct sockaddr *client)
{
	return client->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)client)->sin6_addr);
}

enum admission limit_admit(struct limit *limit, const struct sockaddr *client, int64_t now)
{
	const struct limit_rules rules = rules_of(limit);
	const struct client_network network = network_of_client(client, &rules.bits);

	if (rules.requests == 0 || is_nobody(client) ||
	    rate_take(limit->rate, &network, rules.requests, rules.burst, now) ||
	    is_trusted(limit, client))
		return ADMITTED;
	return refusals_note(limit->refusals, &network, now / 1000) ? REFUSED : REFUSED_AGAIN;
}

void limit_tell_refusals(struct limit *limit, int64_t now)
{
	refusals_tell(limit->refusals, now);
}
