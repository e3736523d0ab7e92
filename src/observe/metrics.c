#include "observe/metrics.h"

#include <inttypes.h>

#include "observe/counters.h"
#include "tls/certificates.h"

/* Sums up one counter of all workers: the one that stands where it does in the first's. */
static uint64_t sum(const struct metrics *metrics, const counter_t *first)
{
	size_t place = (size_t)((const char *)first - (const char *)metrics->counters[0]);
	uint64_t all = 0;

	for (size_t i = 0; i < metrics->n_counters; i++)
		all += counter_read(
			(const counter_t *)((const char *)metrics->counters[i] + place));
	return all;
}

static void begin(struct bytes *text, const char *name, const char *type, const char *help)
{
	bytes_add_format(text, "# HELP mailconfd_%s %s\n# TYPE mailconfd_%s %s\n", name, help, name,
			 type);
}

/* Without labels. */
static void add(struct bytes *text, const char *name, const char *type, const char *help,
		uint64_t value)
{
	begin(text, name, type, help);
	bytes_add_format(text, "mailconfd_%s %" PRIu64 "\n", name, value);
}

/* A label's value, quoted. */
static void add_value(struct bytes *text, const char *value)
{
	bytes_add_char(text, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			bytes_add_char(text, '\\');
		if (*value == '\n')
			bytes_add_text(text, "\\n");
		else
			bytes_add_char(text, *value);
	}
	bytes_add_char(text, '"');
}

static void add_build(struct bytes *text, const struct metrics *metrics)
{
	begin(text, "build_info", "gauge", "Always 1; the labels tell the versions in use.");
	bytes_add_text(text, "mailconfd_build_info{version=");
	add_value(text, MAILCONFD_VERSION);
	bytes_add_text(text, ",libmicrohttpd=");
	add_value(text, metrics->microhttpd);
	bytes_add_text(text, ",gnutls=");
	add_value(text, metrics->gnutls);
	bytes_add_text(text, ",sqlite=");
	add_value(text, metrics->sqlite);
	bytes_add_text(text, "} 1\n");
}

/* Several rows of the table of programs have one name, and are one. */
static agent_t first_of_name(agent_t agent)
{
	agent_t first = 0;

	while (!text_equals(agent_name(first), agent_name(agent)))
		first++;
	return first;
}

static void add_requests_of(struct bytes *text, const struct metrics *metrics, size_t protocol,
			    size_t outcome)
{
	const counter_t *requests = metrics->counters[0]->requests[protocol][outcome];
	uint64_t counts[AGENTS_MAX] = { 0 };

	for (size_t agent = 0; agent < agents_count(); agent++) {
		uint64_t count = sum(metrics, &requests[agent]);

		if (count > 0)
			counts[first_of_name(agent)] += count;
	}
	for (size_t agent = 0; agent < agents_count(); agent++)
		if (counts[agent] > 0)
			bytes_add_format(text,
					 "mailconfd_requests_total{protocol=\"%s\",program=\"%s\","
					 "outcome=\"%s\"} %" PRIu64 "\n",
					 counters_protocol(protocol), agent_name(agent),
					 counters_outcome(outcome), counts[agent]);
}

static void add_requests(struct bytes *text, const struct metrics *metrics)
{
	begin(text, "requests_total", "counter",
	      "Requests that are over, by protocol, client program and outcome.");
	for (size_t protocol = 0; protocol < COUNTERS_PROTOCOLS; protocol++)
		for (size_t outcome = 0; outcome < COUNTERS_OUTCOMES; outcome++)
			add_requests_of(text, metrics, protocol, outcome);
}

static uint64_t sum_of_outcome(const struct metrics *metrics, size_t outcome)
{
	uint64_t all = 0;

	for (size_t protocol = 0; protocol < COUNTERS_PROTOCOLS; protocol++)
		for (size_t agent = 0; agent < agents_count(); agent++)
			all += sum(metrics,
				   &metrics->counters[0]->requests[protocol][outcome][agent]);
	return all;
}

/* The same counts once more, but there from the start, for alerts. */
static void add_refused(struct bytes *text, const struct metrics *metrics)
{
	uint64_t refused = 0;

	for (size_t outcome = 0; outcome < COUNTERS_OUTCOMES; outcome++)
		if (text_equals(counters_outcome(outcome), "too-many-requests"))
			refused = sum_of_outcome(metrics, outcome);
	add(text, "rate_limited_requests_total", "counter",
	    "Requests refused with status 429, for their network asks too often.", refused);
}

static void add_latency(struct bytes *text, const struct metrics *metrics, size_t protocol)
{
	const struct latency *latency = &metrics->counters[0]->latencies[protocol];
	const char *name = counters_protocol(protocol);
	uint64_t counts[COUNTERS_BOUNDS + 1], all = 0;

	for (size_t i = 0; i <= COUNTERS_BOUNDS; i++)
		all += counts[i] = sum(metrics, &latency->answers[i]);
	if (all == 0)
		return;
	all = 0;
	for (size_t i = 0; i < COUNTERS_BOUNDS; i++) {
		all += counts[i];
		bytes_add_format(
			text,
			"mailconfd_answer_duration_seconds_bucket{protocol=\"%s\",le=\"%g\"} "
			"%" PRIu64 "\n",
			name, (double)counters_bounds[i] / 1e6, all);
	}
	all += counts[COUNTERS_BOUNDS];
	bytes_add_format(text,
			 "mailconfd_answer_duration_seconds_bucket{protocol=\"%s\",le=\"+Inf\"} "
			 "%" PRIu64 "\n",
			 name, all);
	bytes_add_format(text,
			 "mailconfd_answer_duration_seconds_sum{protocol=\"%s\"} %.6f\n"
			 "mailconfd_answer_duration_seconds_count{protocol=\"%s\"} %" PRIu64 "\n",
			 name, (double)sum(metrics, &latency->micros) / 1e6, name, all);
}

static void add_latencies(struct bytes *text, const struct metrics *metrics)
{
	begin(text, "answer_duration_seconds", "histogram",
	      "From the first line of a request until its answer is handed over, without answers "
	      "that are late on purpose.");
	for (size_t protocol = 0; protocol < COUNTERS_PROTOCOLS; protocol++)
		add_latency(text, metrics, protocol);
}

static void add_handshakes(struct bytes *text, const struct metrics *metrics)
{
	const struct counters *first = metrics->counters[0];

	begin(text, "tls_handshakes_total", "counter",
	      "TLS handshakes that were finished, by version, full or resumed.");
	for (enum tls_version version = 0; version < TLS_VERSIONS; version++) {
		for (size_t is_resumed = 0; is_resumed < 2; is_resumed++) {
			uint64_t count = sum(metrics, &first->handshakes[version][is_resumed]);

			if (count > 0)
				bytes_add_format(text,
						 "mailconfd_tls_handshakes_total{version=\"%s\","
						 "session=\"%s\"} %" PRIu64 "\n",
						 tls_version_name(version),
						 is_resumed ? "resumed" : "full", count);
		}
	}
	begin(text, "tls_handshakes_failed_total", "counter",
	      "TLS handshakes that came to nothing, by reason.");
	for (enum handshake_failure i = 0; i < HANDSHAKE_FAILURES; i++) {
		uint64_t count = sum(metrics, &first->failed_handshakes[i]);

		if (count > 0)
			bytes_add_format(text,
					 "mailconfd_tls_handshakes_failed_total{reason=\"%s\"} "
					 "%" PRIu64 "\n",
					 handshake_failure_name(i), count);
	}
}

static void add_lookups(struct bytes *text, const struct metrics *metrics)
{
	begin(text, "database_lookups_total", "counter", "Look-ups in the database, by result.");
	for (enum lookup i = 0; i < LOOKUPS; i++) {
		uint64_t count = sum(metrics, &metrics->counters[0]->lookups[i]);

		if (count > 0)
			bytes_add_format(text,
					 "mailconfd_database_lookups_total{result=\"%s\"} %" PRIu64
					 "\n",
					 lookup_name(i), count);
	}
}

static const char *algorithm_name(const struct certificate *certificate)
{
	switch (certificate->algorithm) {
	case GNUTLS_PK_RSA:
	case GNUTLS_PK_RSA_PSS:
		return "rsa";
	case GNUTLS_PK_ECDSA:
		return "ecdsa";
	default:
		return "eddsa";
	}
}

static const char *name_of(const struct certificate *certificate)
{
	return certificate->n_names > 0 ? certificate->names[0] : "";
}

/* By name and algorithm; of equals the one that expires first. */
static int compare(const void *left, const void *right)
{
	const struct certificate *a = *(const struct certificate *const *)left;
	const struct certificate *b = *(const struct certificate *const *)right;
	int order = strcmp(name_of(a), name_of(b));

	if (order == 0)
		order = strcmp(algorithm_name(a), algorithm_name(b));
	return order ? order : (a->expires > b->expires) - (a->expires < b->expires);
}

static bool is_same(const struct certificate *a, const struct certificate *b)
{
	return text_equals(name_of(a), name_of(b)) &&
	       text_equals(algorithm_name(a), algorithm_name(b));
}

/* What no client gets any more does not count: its successor lies beside it. Nor does what is not
 * renewed on purpose. */
static size_t find_served(const struct metrics *metrics, const struct certificate **served)
{
	const struct certificates *certificates = metrics->certificates;
	size_t count = 0;

	for (size_t i = 0; i < certificates_count(certificates); i++) {
		const struct certificate *certificate = certificates_at(certificates, i);

		if (certificates_serve(certificates, certificate) &&
		    !(metrics->retired && metrics->retired[i]))
			served[count++] = certificate;
	}
	return count;
}

static void add_certificates(struct bytes *text, const struct metrics *metrics)
{
	size_t count = metrics->certificates ? certificates_count(metrics->certificates) : 0;
	const struct certificate **served = arena_array(text->memory, const struct certificate *,
							count);

	if (count > 0)
		count = find_served(metrics, served);
	if (count > 0)
		qsort(served, count, sizeof(*served), compare);
	add(text, "certificates_unusable", "gauge",
	    "Certificate files and directories that cannot be used.",
	    metrics->certificates ? certificates_count_unusable(metrics->certificates) : 0);
	begin(text, "certificate_remaining_seconds", "gauge",
	      "Until a certificate expires, by the first of its names and its kind of key, of "
	      "several that are served the first to; below 0 it has.");
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && is_same(served[i - 1], served[i]))
			continue;
		bytes_add_text(text, "mailconfd_certificate_remaining_seconds{name=");
		add_value(text, name_of(served[i]));
		bytes_add_format(text, ",key=\"%s\"} %" PRId64 "\n", algorithm_name(served[i]),
				 (int64_t)served[i]->expires - metrics->now);
	}
}

void metrics_write(struct bytes *text, const struct metrics *metrics)
{
	const struct counters *first = metrics->counters[0];

	add_build(text, metrics);
	add(text, "start_time_seconds", "gauge", "When mailconfd started, since 1970.",
	    (uint64_t)metrics->started);
	add(text, "last_reload_timestamp_seconds", "gauge",
	    "When it reloaded or started, since 1970.", (uint64_t)metrics->reloaded);
	add(text, "last_reload_successful", "gauge",
	    "Whether all could be loaded then: 1, or 0 where something old stays in use.",
	    metrics->has_reloaded_all);
	add(text, "connections", "gauge", "Open connections.", sum(metrics, &first->connections));
	add(text, "connections_closed_total", "counter",
	    "Connections closed because their network held more than its share.",
	    sum(metrics, &first->closed));
	add_requests(text, metrics);
	add_refused(text, metrics);
	add_latencies(text, metrics);
	add_handshakes(text, metrics);
	add_lookups(text, metrics);
	add(text, "logins_withheld_total", "counter",
	    "Responses in which a login was withheld because of the address limit.",
	    sum(metrics, &first->withheld_logins));
	add(text, "log_lines_lost_total", "counter",
	    "Log lines dropped because they were not read in time.", metrics->log_lines_lost);
	add_certificates(text, metrics);
	bytes_add_text(text, "# EOF\n");
}
