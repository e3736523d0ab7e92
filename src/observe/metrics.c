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
static void add_metric(struct bytes *text, const char *name, const char *type, const char *help,
		       uint64_t value)
{
	begin(text, name, type, help);
	bytes_add_format(text, "mailconfd_%s %" PRIu64 "\n", name, value);
}

/* Of an array of counters, those that are not 0, with the name of each as the label. */
static void add_labelled(struct bytes *text, const struct metrics *metrics, const char *name,
			 const char *help, const char *label, const counter_t *counters,
			 const char *const *names, size_t n_names)
{
	begin(text, name, "counter", help);
	for (size_t i = 0; i < n_names; i++) {
		uint64_t count = sum(metrics, &counters[i]);

		if (count > 0)
			bytes_add_format(text, "mailconfd_%s{%s=\"%s\"} %" PRIu64 "\n", name, label,
					 names[i], count);
	}
}

/* A label's value, quoted. */
static void add_quoted(struct bytes *text, const char *value)
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
	add_quoted(text, MAILCONFD_VERSION);
	bytes_add_text(text, ",libmicrohttpd=");
	add_quoted(text, metrics->microhttpd);
	bytes_add_text(text, ",gnutls=");
	add_quoted(text, metrics->gnutls);
	bytes_add_text(text, ",sqlite=");
	add_quoted(text, metrics->sqlite);
	bytes_add_text(text, "} 1\n");
}

/* Returns how many there were. */
static uint64_t add_requests_of(struct bytes *text, const struct metrics *metrics, size_t protocol,
				size_t outcome)
{
	const counter_t *requests = metrics->counters[0]->requests[protocol][outcome];
	uint64_t counts[USER_AGENTS_MAX] = { 0 }, all = 0;

	for (size_t agent = 0; agent < user_agents_count(); agent++) {
		uint64_t count = sum(metrics, &requests[agent]);
		size_t first = 0; /* several rows of the table of programs can have one name */

		while (count > 0 && !text_equals(user_agent_name(first), user_agent_name(agent)))
			first++;
		counts[first] += count;
	}
	for (size_t agent = 0; agent < user_agents_count(); agent++) {
		all += counts[agent];
		if (counts[agent] > 0)
			bytes_add_format(text,
					 "mailconfd_requests_total{protocol=\"%s\",program=\"%s\","
					 "outcome=\"%s\"} %" PRIu64 "\n",
					 counters_protocol(protocol), user_agent_name(agent),
					 counters_outcomes[outcome], counts[agent]);
	}
	return all;
}

static void add_requests(struct bytes *text, const struct metrics *metrics)
{
	uint64_t refused = 0;

	begin(text, "requests_total", "counter",
	      "Requests that are over, by protocol, client program and outcome.");
	for (size_t protocol = 0; protocol < COUNTERS_PROTOCOLS; protocol++) {
		for (size_t outcome = 0; outcome < COUNTERS_OUTCOMES; outcome++) {
			uint64_t all = add_requests_of(text, metrics, protocol, outcome);

			if (text_equals(counters_outcomes[outcome], "too-many-requests"))
				refused += all;
		}
	}
	/* The same counts once more, but there from the start, for alerts. */
	add_metric(text, "rate_limited_requests_total", "counter",
		   "Requests refused with status 429, for their network asks too often.", refused);
}

static void add_latencies(struct bytes *text, const struct metrics *metrics)
{
	begin(text, "answer_duration_seconds", "histogram",
	      "From the first line of a request until its answer is handed over, without answers "
	      "that are late on purpose.");
	for (size_t protocol = 0; protocol < COUNTERS_PROTOCOLS; protocol++) {
		const struct latency *latency = &metrics->counters[0]->latencies[protocol];
		const char *name = counters_protocol(protocol);
		uint64_t below[COUNTERS_BOUNDS + 1], all = 0;

		for (size_t i = 0; i <= COUNTERS_BOUNDS; i++)
			below[i] = all += sum(metrics, &latency->answers[i]);
		if (all == 0)
			continue;
		for (size_t i = 0; i <= COUNTERS_BOUNDS; i++) {
			char bound[16] = "+Inf";

			if (i < COUNTERS_BOUNDS)
				snprintf(bound, sizeof(bound), "%g",
					 (double)counters_bounds[i] / 1e6);
			bytes_add_format(text,
					 "mailconfd_answer_duration_seconds_bucket{protocol=\"%s\","
					 "le=\"%s\"} %" PRIu64 "\n",
					 name, bound, below[i]);
		}
		bytes_add_format(text,
				 "mailconfd_answer_duration_seconds_sum{protocol=\"%s\"} %.6f\n"
				 "mailconfd_answer_duration_seconds_count{protocol=\"%s\"} %" PRIu64
				 "\n",
				 name, (double)sum(metrics, &latency->micros) / 1e6, name, all);
	}
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
						 tls_version_names[version],
						 is_resumed ? "resumed" : "full", count);
		}
	}
	add_labelled(text, metrics, "tls_handshakes_failed_total",
		     "TLS handshakes that came to nothing, by reason.", "reason",
		     first->failed_handshakes, handshake_failure_names, HANDSHAKE_FAILURES);
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

static int compare_labels(const struct certificate *a, const struct certificate *b)
{
	return strcmp(name_of(a), name_of(b)) ?: strcmp(algorithm_name(a), algorithm_name(b));
}

/* Of those with the same labels the one that expires first. */
static int compare(const void *left, const void *right)
{
	const struct certificate *a = *(const struct certificate *const *)left;
	const struct certificate *b = *(const struct certificate *const *)right;

	return compare_labels(a, b) ?: (a->expires > b->expires) - (a->expires < b->expires);
}

static void add_certificates(struct bytes *text, const struct metrics *metrics)
{
	const struct certificates *all = metrics->certificates;
	size_t n_all = all ? certificates_count(all) : 0, count = 0;
	const struct certificate **served = arena_array(text->memory, const struct certificate *,
							n_all + 1);

	/* What no client gets any more does not count: its successor lies beside it. Nor does what
	 * is not renewed on purpose. */
	for (size_t i = 0; i < n_all; i++)
		if (certificates_serve(all, certificates_at(all, i)) &&
		    !(metrics->retired && metrics->retired[i]))
			served[count++] = certificates_at(all, i);
	qsort(served, count, sizeof(*served), compare);
	add_metric(text, "certificates_unusable", "gauge",
		   "Certificate files and directories that cannot be used.",
		   all ? certificates_count_unusable(all) : 0);
	begin(text, "certificate_remaining_seconds", "gauge",
	      "Until a certificate expires, by the first of its names and its kind of key, of "
	      "several that are served the first to; below 0 it has.");
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && compare_labels(served[i - 1], served[i]) == 0)
			continue;
		bytes_add_text(text, "mailconfd_certificate_remaining_seconds{name=");
		add_quoted(text, name_of(served[i]));
		bytes_add_format(text, ",key=\"%s\"} %" PRId64 "\n", algorithm_name(served[i]),
				 (int64_t)served[i]->expires - metrics->now);
	}
}

void metrics_write(struct bytes *text, const struct metrics *metrics)
{
	const struct counters *first = metrics->counters[0];

	add_build(text, metrics);
	add_metric(text, "start_time_seconds", "gauge", "When mailconfd started, since 1970.",
		   (uint64_t)metrics->started);
	add_metric(text, "last_reload_timestamp_seconds", "gauge",
		   "When it reloaded or started, since 1970.", (uint64_t)metrics->reloaded);
	add_metric(text, "last_reload_successful", "gauge",
		   "Whether all could be loaded then: 1, or 0 where something old stays in use.",
		   metrics->has_reloaded_all);
	add_metric(text, "connections", "gauge", "Open connections.",
		   sum(metrics, &first->connections));
	add_metric(text, "connections_closed_total", "counter",
		   "Connections closed because their network held more than its share.",
		   sum(metrics, &first->closed));
	add_requests(text, metrics);
	add_latencies(text, metrics);
	add_handshakes(text, metrics);
	add_labelled(text, metrics, "database_lookups_total",
		     "Look-ups in the database, by result.", "result", first->lookups, lookup_names,
		     LOOKUPS);
	add_metric(text, "logins_withheld_total", "counter",
		   "Responses in which a login was withheld because of the address limit.",
		   sum(metrics, &first->withheld_logins));
	add_metric(text, "log_lines_lost_total", "counter",
		   "Log lines dropped because they were not read in time.",
		   metrics->log_lines_lost);
	add_certificates(text, metrics);
	bytes_add_text(text, "# EOF\n");
}
