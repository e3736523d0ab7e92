#include "answer/client-limits.h"

#include <netinet/in.h>
#include <pthread.h>

#include "answer/rate-limit.h"
#include "answer/refusal-log.h"
#include "util/digest.h"
#include "util/log.h"
#include "util/network.h"

/* A network has its place in one of a table's sets, each with a lock of its own. */
#define PLACES 8

/* The slots of the smallest set of addresses. */
#define SET_SIZE_MIN 16

struct place {
	struct client_network network;
	int64_t until; /* the end of its hour; 0 while the place was never taken */
	bool is_told;  /* its reaching the limit was logged */
	struct address_set asked;
};

struct set {
	pthread_mutex_t lock;
	struct place places[PLACES];
};

/* Of the networks at one level of struct client_networks. */
struct table {
	struct set *sets;
	size_t n_sets;
};

struct client_limits {
	struct hash_key key;
	struct table tables[CLIENT_NETWORKS_MAX];
	struct rate_limit *rate;
	struct refusal_log refusals, closed;
	pthread_rwlock_t lock; /* of what follows */
	struct client_limits_rules rules;
	char *trusted;
};

/* One network's place during a call. */
struct visit {
	const struct client_network *network;
	struct set *set;
	struct place *place; /* NULL while the table does not have it */
	unsigned limit;
	bool has_address;
};

/* A free slot is 0. */
static uint32_t key_of(uint32_t hash)
{
	return hash ? hash : 1;
}

/* The slot that has the key, or the free one where it belongs. At least one in five is free. */
static uint32_t *find_slot(const struct address_set *set, uint32_t key)
{
	uint32_t i = (uint32_t)((uint64_t)key * set->size >> 32);

	while (set->slots[i] && set->slots[i] != key)
		i = i + 1 == set->size ? 0 : i + 1;
	return &set->slots[i];
}

bool address_set_has(const struct address_set *set, uint32_t hash)
{
	return set->count > 0 && *find_slot(set, key_of(hash));
}

void address_set_add(struct address_set *set, uint32_t hash, uint32_t limit)
{
	uint32_t size_max = (uint32_t)(ADDRESS_SET_BYTES(limit) / sizeof(uint32_t));
	struct address_set larger = { .size = set->size ? set->size * 2 : SET_SIZE_MIN,
				      .count = set->count };

	if ((uint64_t)(set->count + 1) * 5 > (uint64_t)set->size * 4) {
		if (larger.size > size_max && size_max > set->size)
			larger.size = size_max;
		larger.slots = xcalloc(larger.size, sizeof(*larger.slots));
		for (uint32_t i = 0; i < set->size; i++)
			if (set->slots[i])
				*find_slot(&larger, set->slots[i]) = set->slots[i];
		free(set->slots);
		*set = larger;
	}
	*find_slot(set, key_of(hash)) = key_of(hash);
	set->count++;
}

void address_set_clear(struct address_set *set)
{
	free(set->slots);
	*set = (struct address_set){ 0 };
}

struct client_limits *client_limits_new(void)
{
	static const size_t networks[CLIENT_NETWORKS_MAX] = { ADDRESS_LIMIT_NETWORKS,
							      ADDRESS_LIMIT_WIDER_NETWORKS,
							      ADDRESS_LIMIT_WIDER_NETWORKS,
							      ADDRESS_LIMIT_WIDEST_NETWORKS };
	struct client_limits *limits = xnew(struct client_limits);

	limits->key = hash_key_new();
	for (size_t t = 0; t < CLIENT_NETWORKS_MAX; t++) {
		struct table *table = &limits->tables[t];

		table->n_sets = networks[t] / PLACES;
		table->sets = xcalloc(table->n_sets, sizeof(*table->sets));
		for (size_t i = 0; i < table->n_sets; i++)
			pthread_mutex_init(&table->sets[i].lock, NULL);
	}
	limits->rate = rate_limit_new();
	refusal_log_init(&limits->refusals, "rate limit", "refused");
	refusal_log_init(&limits->closed, "connection limit", "closed");
	limits->trusted = xstrdup("");
	pthread_rwlock_init(&limits->lock, NULL);
	return limits;
}

void client_limits_free(struct client_limits *limits)
{
	if (!limits)
		return;
	for (size_t t = 0; t < CLIENT_NETWORKS_MAX; t++) {
		struct table *table = &limits->tables[t];

		for (struct set *set = table->sets; set < table->sets + table->n_sets; set++) {
			pthread_mutex_destroy(&set->lock);
			for (size_t i = 0; i < PLACES; i++)
				address_set_clear(&set->places[i].asked);
		}
		free(table->sets);
	}
	pthread_rwlock_destroy(&limits->lock);
	pthread_mutex_destroy(&limits->refusals.lock);
	pthread_mutex_destroy(&limits->closed.lock);
	rate_limit_free(limits->rate);
	free(limits->trusted);
	free(limits);
}

void client_limits_set(struct client_limits *limits, const struct client_limits_rules *rules)
{
	char *trusted = xstrdup(rules->trusted);

	pthread_rwlock_wrlock(&limits->lock);
	free(limits->trusted);
	limits->trusted = trusted;
	limits->rules = *rules;
	limits->rules.trusted = NULL;
	pthread_rwlock_unlock(&limits->lock);
}

/* Copies the rules without the trusted networks. Returns whether the client is in one of those. */
static bool read_rules(struct client_limits *limits, const struct sockaddr *client,
		       struct client_limits_rules *ret_rules)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	bool is_trusted;

	pthread_rwlock_rdlock(&limits->lock);
	*ret_rules = limits->rules;
	is_trusted = networks_contain(&memory, limits->trusted, client);
	pthread_rwlock_unlock(&limits->lock);
	return is_trusted;
}

/* Whether a should be replaced rather than b. */
static bool is_worth_less(const struct place *a, const struct place *b, int64_t now)
{
	bool is_over = a->until <= now;

	if (is_over != (b->until <= now))
		return is_over;
	return a->asked.count != b->asked.count ? a->asked.count < b->asked.count
						: a->until < b->until;
}

static struct place *replace_least(struct set *set, const struct client_network *network,
				   int64_t now)
{
	struct place *least = &set->places[0];

	for (struct place *place = set->places; place < set->places + PLACES; place++)
		if (is_worth_less(place, least, now))
			least = place;
	address_set_clear(&least->asked);
	*least = (struct place){ .network = *network, .until = now + ADDRESS_LIMIT_PERIOD_MS };
	return least;
}

/* Locks the network's place. All calls lock the tables in the same order. */
static struct visit visit_network(struct client_limits *limits, struct table *table,
				  const struct client_network *network, uint32_t address,
				  int64_t now)
{
	size_t index = hash_of(&limits->key, network, sizeof(*network)) % table->n_sets;
	struct visit visit = { .network = network, .set = &table->sets[index] };

	pthread_mutex_lock(&visit.set->lock);
	for (struct place *place = visit.set->places; place < visit.set->places + PLACES; place++)
		if (place->until > now && memcmp(&place->network, network, sizeof(*network)) == 0)
			visit.place = place;
	visit.has_address = visit.place && address_set_has(&visit.place->asked, address);
	return visit;
}

bool client_limits_allow_address(struct client_limits *limits, const struct sockaddr *client,
				 const char *address, int64_t now)
{
	const struct client_networks networks = networks_of_client(client);
	uint32_t hash = (uint32_t)hash_of(&limits->key, address, strlen(address));
	struct visit visits[CLIENT_NETWORKS_MAX], *full = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	bool is_known = false, must_log = false;
	struct client_limits_rules rules;
	size_t visited = 0;

	if (read_rules(limits, client, &rules) || rules.addresses == 0)
		return true;
	while (visited < networks.count && !full && !is_known) {
		struct visit *visit = &visits[visited];

		*visit = visit_network(limits, &limits->tables[visited],
				       &networks.items[visited].network, hash, now);
		visit->limit = rules.addresses * networks.items[visited].factor;
		is_known = visited == 0 && visit->has_address;
		if (!visit->has_address && visit->place &&
		    visit->place->asked.count >= visit->limit)
			full = visit;
		visited++;
	}
	if (full && !full->place->is_told)
		must_log = full->place->is_told = true;
	for (size_t i = 0; i < visited; i++) {
		struct visit *visit = &visits[i];

		if (!full && !is_known && !visit->has_address) {
			if (!visit->place)
				visit->place = replace_least(visit->set, visit->network, now);
			address_set_add(&visit->place->asked, hash, visit->limit);
		}
		pthread_mutex_unlock(&visit->set->lock);
	}
	if (must_log)
		log_warning("address limit reached: client=\"%s\" limit=%u period=1h; the logins "
			    "of further addresses are withheld; if the network is yours, add it to "
			    "[limits] trusted",
			    client_network_text(&memory, full->network), full->limit);
	return !full;
}

enum admission client_limits_admit(struct client_limits *limits, const struct sockaddr *client,
				   int64_t now, struct client_network *ret_full)
{
	const struct client_networks networks = networks_of_client(client);
	const struct client_network *full;
	struct client_limits_rules rules;

	if (read_rules(limits, client, &rules) || rules.requests == 0)
		return ADMITTED;
	/* The address of all clients that a trusted proxy does not name (see forwarded.h). */
	if (client->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)client)->sin6_addr))
		return ADMITTED;
	full = rate_limit_take(limits->rate, &networks, rules.requests, rules.burst, now);
	if (!full)
		return ADMITTED;
	*ret_full = *full;
	return refusal_log_add(&limits->refusals, full, now / 1000) ? REFUSED : REFUSED_AGAIN;
}

bool client_limits_trust(struct client_limits *limits, const struct sockaddr *client)
{
	struct client_limits_rules rules;

	return read_rules(limits, client, &rules);
}

bool client_limits_log_closed(struct client_limits *limits, const struct client_network *network,
			      int64_t now)
{
	return refusal_log_add(&limits->closed, network, now);
}

void client_limits_write_refusals(struct client_limits *limits, int64_t now)
{
	refusal_log_write(&limits->refusals, now);
	refusal_log_write(&limits->closed, now);
}
