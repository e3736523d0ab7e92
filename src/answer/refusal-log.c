#include "answer/refusal-log.h"

#include "util/log.h"

bool refusals_note(struct refusals *refusals, const struct client_network *network, int64_t now)
{
	size_t i, room = REFUSALS_NETWORKS;
	bool is_first;

	pthread_mutex_lock(&refusals->lock);
	for (i = 0; i < REFUSALS_NETWORKS; i++) {
		if (refusals->places[i].until == 0)
			room = room < i ? room : i;
		else if (memcmp(&refusals->places[i].network, network, sizeof(*network)) == 0)
			break;
	}
	if (i == REFUSALS_NETWORKS)
		i = room;
	is_first = refusals->places[i].until == 0 && i < REFUSALS_NETWORKS;
	if (refusals->places[i].until == 0) {
		refusals->places[i].network = *network;
		refusals->places[i].until = now + REFUSALS_PERIOD_MS;
	}
	refusals->places[i].count += !is_first;
	pthread_mutex_unlock(&refusals->lock);
	return is_first;
}

void refusals_tell(struct refusals *refusals, int64_t now)
{
	for (size_t i = 0; i <= REFUSALS_NETWORKS; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *client = "others";
		uint64_t count = 0;

		pthread_mutex_lock(&refusals->lock);
		if (refusals->places[i].until <= now) {
			count = refusals->places[i].count;
			if (count > 0 && i < REFUSALS_NETWORKS)
				client = arena_printf(
					&memory, "\"%s\"",
					client_network_text(&memory, &refusals->places[i].network));
			refusals->places[i].until = 0;
			refusals->places[i].count = 0;
		}
		pthread_mutex_unlock(&refusals->lock);
		if (count > 0)
			log_info("%s: client=%s %s=%llu period=%ds", refusals->limit, client,
				 refusals->event, (unsigned long long)count,
				 REFUSALS_PERIOD_MS / 1000);
	}
}
