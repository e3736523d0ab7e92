#include "answer/refusal-log.h"

#include <pthread.h>

#include "util/log.h"
#include "util/network.h"

struct place {
	struct client_network network;
	int64_t until; /* 0 in a free place */
	uint64_t count;
};

struct refusals {
	const char *limit, *event;
	pthread_mutex_t lock;
	struct place places[REFUSALS_NETWORKS];
	struct place others; /* all for which there was no place */
};

struct refusals *refusals_new(const char *limit, const char *event)
{
	struct refusals *refusals = xnew(struct refusals);

	refusals->limit = limit;
	refusals->event = event;
	pthread_mutex_init(&refusals->lock, NULL);
	return refusals;
}

void refusals_free(struct refusals *refusals)
{
	if (!refusals)
		return;
	pthread_mutex_destroy(&refusals->lock);
	free(refusals);
}

/* That of the network, or a free one, or that of all others. */
static struct place *find(struct refusals *refusals, const struct client_network *network)
{
	struct place *room = NULL;

	for (struct place *place = refusals->places; place < refusals->places + REFUSALS_NETWORKS;
	     place++) {
		if (place->until == 0)
			room = room ? room : place;
		else if (memcmp(&place->network, network, sizeof(*network)) == 0)
			return place;
	}
	return room ? room : &refusals->others;
}

bool refusals_note(struct refusals *refusals, const struct client_network *network, int64_t now)
{
	struct place *place;
	bool is_first;

	pthread_mutex_lock(&refusals->lock);
	place = find(refusals, network);
	is_first = place->until == 0 && place != &refusals->others;
	if (place->until == 0)
		*place = (struct place){ .network = *network, .until = now + REFUSALS_PERIOD_MS };
	if (!is_first)
		place->count++;
	pthread_mutex_unlock(&refusals->lock);
	return is_first;
}

/* A place whose time is over is free from now on. */
static struct place take_out(struct refusals *refusals, struct place *place, int64_t now)
{
	struct place found = { 0 };

	pthread_mutex_lock(&refusals->lock);
	if (place->until <= now) {
		found = *place;
		*place = (struct place){ 0 };
	}
	pthread_mutex_unlock(&refusals->lock);
	return found;
}

static void tell(const struct refusals *refusals, const char *client, const struct place *place)
{
	if (place->count > 0)
		log_info("%s: client=%s %s=%llu period=%ds", refusals->limit, client,
			 refusals->event, (unsigned long long)place->count,
			 REFUSALS_PERIOD_MS / 1000);
}

void refusals_tell(struct refusals *refusals, int64_t now)
{
	struct place place;

	for (size_t i = 0; i < REFUSALS_NETWORKS; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

		place = take_out(refusals, &refusals->places[i], now);
		if (place.count > 0)
			tell(refusals,
			     arena_printf(&memory, "\"%s\"",
					  client_network_text(&memory, &place.network)),
			     &place);
	}
	place = take_out(refusals, &refusals->others, now);
	tell(refusals, "others", &place);
}
