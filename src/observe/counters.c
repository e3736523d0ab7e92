#include "observe/counters.h"

#include "protocol/response.h"
#include "store/store.h"

const int64_t counters_bounds[COUNTERS_BOUNDS] = {
	100,   250,   500,    1000,   2500,   5000,    10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
};

/* What is counted beside the protocols. */
static const char *const others[COUNTERS_PROTOCOLS - PROTOCOLS] = { "none", "acme", "other" };

static const char *const outcomes[COUNTERS_OUTCOMES] = {
	"settings",
	"unknown-domain",
	"not-found",
	"too-many-requests",
	"redirect",
	"challenge",
	"not-offered",
	"bad-request",
	"method-not-allowed",
	"aborted",
	"too-large",
	"broken-data",
	"database-unavailable",
	"cannot-sign",
	"other",
};

/* The index of the name, that of the last where it is in no row. */
static size_t find(const char *const *names, size_t count, const char *name)
{
	size_t index = 0;

	while (index < count - 1 && !text_equals(names[index], name))
		index++;
	return index;
}

static size_t find_protocol(const char *name)
{
	size_t index = 0;

	while (index < COUNTERS_PROTOCOLS - 1 && !text_equals(counters_protocol(index), name))
		index++;
	return index;
}

/* An answer that was late on purpose says nothing of how fast we are. */
static void add_latency(struct latency *latency, const struct record *record)
{
	size_t bucket = 0;

	if (record->response->status == 0 || record->was_held)
		return;
	while (bucket < COUNTERS_BOUNDS && record->micros > counters_bounds[bucket])
		bucket++;
	counter_add(&latency->answers[bucket], 1);
	counter_add(&latency->micros, (uint64_t)record->micros);
}

void counters_add_request(struct counters *counters, const struct record *record)
{
	const struct response *response = record->response;
	size_t protocol = find_protocol(response->protocol ? response->protocol : "none");
	size_t outcome = find(outcomes, COUNTERS_OUTCOMES,
			      response->outcome ? response->outcome : "aborted");

	counter_add(&counters->requests[protocol][outcome][record->agent], 1);
	add_latency(&counters->latencies[protocol], record);
}

void counters_add_lookup(struct counters *counters, int result)
{
	enum lookup lookup = result == 0		 ? LOOKUP_FOUND
			     : result == STORE_NOT_FOUND ? LOOKUP_NOT_FOUND
			     : result == STORE_BUSY	 ? LOOKUP_BUSY
							 : LOOKUP_FAILED;

	counter_add(&counters->lookups[lookup], 1);
}

const char *handshake_failure_name(enum handshake_failure failure)
{
	static const char *const names[HANDSHAKE_FAILURES] = {
		[HANDSHAKE_PROTOCOL] = "protocol",
		[HANDSHAKE_ALERT] = "alert",
		[HANDSHAKE_CLOSED] = "closed",
		[HANDSHAKE_TIMEOUT] = "timeout",
		[HANDSHAKE_TOO_LARGE] = "too-large",
		[HANDSHAKE_RATE_LIMIT] = "rate-limit",
		[HANDSHAKE_CONNECTION_LIMIT] = "connection-limit",
		[HANDSHAKE_UNKNOWN_NAME] = "unknown-name",
		[HANDSHAKE_NO_CERTIFICATE] = "no-certificate",
	};

	return names[failure];
}

const char *lookup_name(enum lookup lookup)
{
	static const char *const names[LOOKUPS] = {
		[LOOKUP_FOUND] = "found",
		[LOOKUP_NOT_FOUND] = "not-found",
		[LOOKUP_BUSY] = "busy",
		[LOOKUP_FAILED] = "failed",
	};

	return names[lookup];
}

const char *counters_protocol(size_t index)
{
	return index < PROTOCOLS ? all_protocols[index]->name : others[index - PROTOCOLS];
}

const char *counters_outcome(size_t index)
{
	return outcomes[index];
}
