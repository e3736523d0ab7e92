#include "answer/refusal-log.h"

#include "util/log.h"

void refusal_log_init(struct refusal_log *log, const char *limit, const char *event)
{
	log->limit = limit;
	log->event = event;
	pthread_mutex_init(&log->lock, NULL);
}

bool refusal_log_add(struct refusal_log *log, const struct client_network *network, int64_t now)
{
	size_t i, room = REFUSAL_LOG_NETWORKS;
	bool is_first;

	pthread_mutex_lock(&log->lock);
	for (i = 0; i < REFUSAL_LOG_NETWORKS; i++) {
		if (log->places[i].until == 0)
			room = room < i ? room : i;
		else if (memcmp(&log->places[i].network, network, sizeof(*network)) == 0)
			break;
	}
	if (i == REFUSAL_LOG_NETWORKS)
		i = room;
	is_first = i < REFUSAL_LOG_NETWORKS && log->places[i].until == 0;
	if (log->places[i].until == 0) {
		log->places[i].network = *network;
		log->places[i].until = now + REFUSAL_LOG_PERIOD_MS;
	}
	log->places[i].count += !is_first;
	pthread_mutex_unlock(&log->lock);
	return is_first;
}

void refusal_log_write(struct refusal_log *log, int64_t now)
{
	for (size_t i = 0; i <= REFUSAL_LOG_NETWORKS; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *client = "others";
		uint64_t count = 0;

		pthread_mutex_lock(&log->lock);
		if (log->places[i].until <= now) {
			count = log->places[i].count;
			if (count > 0 && i < REFUSAL_LOG_NETWORKS)
				client = arena_printf(
					&memory, "\"%s\"",
					client_network_text(&memory, &log->places[i].network));
			log->places[i].until = 0;
			log->places[i].count = 0;
		}
		pthread_mutex_unlock(&log->lock);
		if (count > 0)
			log_info("%s: client=%s %s=%llu period=%ds", log->limit, client, log->event,
				 (unsigned long long)count, REFUSAL_LOG_PERIOD_MS / 1000);
	}
}
