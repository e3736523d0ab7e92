#include "observe/counters.h"

#include "protocol/request.h"

const int64_t counters_bounds[COUNTERS_BOUNDS] = {
	100,   250,   500,    1000,   2500,   5000,    10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
};

/* What is counted beside the protocols. */
static const char *const others[COUNTERS_PROTOCOLS - PROTOCOLS] = { "none", "acme", "other" };

const char *const counters_outcomes[COUNTERS_OUTCOMES] = {
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

const char *counters_protocol(size_t index)
{
	return index < PROTOCOLS ? all_protocols[index]->name : others[index - PROTOCOLS];
}

void counters_add_request(struct counters *counters, const struct record *record)
{
	const struct response *response = record->response;
	size_t protocol = 0, outcome = 0, bucket = 0;

	while (protocol < COUNTERS_PROTOCOLS - 1 &&
	       !text_equals(counters_protocol(protocol), response->protocol ?: "none"))
		protocol++;
	while (outcome < COUNTERS_OUTCOMES - 1 &&
	       !text_equals(counters_outcomes[outcome], response->outcome ?: "aborted"))
		outcome++;
	counter_add(&counters->requests[protocol][outcome][record->agent], 1);
	/* A response that was late on purpose does not measure the server. */
	if (response->status == 0 || record->was_held)
		return;
	while (bucket < COUNTERS_BOUNDS && record->micros > counters_bounds[bucket])
		bucket++;
	counter_add(&counters->latencies[protocol].answers[bucket], 1);
	counter_add(&counters->latencies[protocol].micros, (uint64_t)record->micros);
}

const char *const handshake_failure_names[HANDSHAKE_FAILURES] = {
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

const char *const lookup_names[LOOKUPS] = {
	[LOOKUP_FOUND] = "found",
	[LOOKUP_NOT_FOUND] = "not-found",
	[LOOKUP_BUSY] = "busy",
	[LOOKUP_FAILED] = "failed",
};
