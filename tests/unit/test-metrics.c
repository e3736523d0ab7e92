#include "observe/metrics.h"

#include <string.h>

#include "observe/counters.h"
#include "protocol/protocol.h"
#include "protocol/request.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"

/* Two workers' counters; large, and zeroed. */
static struct counters counters[2];
static const struct counters *const both[] = { &counters[0], &counters[1] };

static int begin(void **state)
{
	memset(counters, 0, sizeof(counters));
	return 0;
}

static const char *written(struct arena *memory, const char *version)
{
	struct bytes text = BYTES_IN(memory);
	const struct metrics metrics = {
		.counters = both,
		.n_counters = 2,
		.now = 2000,
		.started = 1000,
		.reloaded = 1500,
		.has_reloaded_all = true,
		.microhttpd = version,
		.gnutls = "3",
		.sqlite = "3",
	};

	metrics_write(&text, &metrics);
	return bytes_text(&text);
}

static void has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at || at[strlen(line)] != '\n' || (at > text && at[-1] != '\n'))
		fail_msg("no line '%s' in:\n%s", line, text);
}

static void count(size_t worker, const char *protocol, const char *outcome, const char *program,
		  int64_t micros)
{
	const struct request request = { 0 };
	const struct response response = { .status = 200,
					   .protocol = protocol,
					   .outcome = outcome };
	const struct record record = {
		.request = &request,
		.response = &response,
		.agent = user_agent_find(program),
		.micros = micros,
	};

	counters_add_request(&counters[worker], &record);
}

static void sums_up_workers_and_programs(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text;

	count(0, "outlook", "settings", "curl/7", 1);
	count(1, "outlook", "settings", "Wget/1", 1);
	count(1, NULL, NULL, NULL, 1);
	count(1, "outlook", "too-many-requests", NULL, 1);
	counter_add(&counters[0].connections, 3);
	counter_add(&counters[0].connections, (uint64_t)-1);
	counter_add(&counters[1].connections, 5);
	text = written(&memory, "1");
	has_line(text, "mailconfd_requests_total{protocol=\"outlook\",program=\"script\",outcome="
		       "\"settings\"} 2");
	has_line(text, "mailconfd_requests_total{protocol=\"none\",program=\"none\",outcome="
		       "\"aborted\"} 1");
	has_line(text, "mailconfd_rate_limited_requests_total 1");
	has_line(text, "mailconfd_connections 7");
	has_line(text, "mailconfd_last_reload_timestamp_seconds 1500");
}

/* A bound belongs to its own bucket, and each bucket holds those below. */
static void latencies_add_up(void **state)
{
	static const int64_t micros[] = { 0, 100, 101, 2500000, 2500001, 90000000 };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text;

	for (size_t i = 0; i < sizeof(micros) / sizeof(*micros); i++)
		count(i % 2, "pacc", "settings", NULL, micros[i]);
	text = written(&memory, "1");
#define BUCKET "mailconfd_answer_duration_seconds_bucket{protocol=\"pacc\",le="
	has_line(text, BUCKET "\"0.0001\"} 2");
	has_line(text, BUCKET "\"0.00025\"} 3");
	has_line(text, BUCKET "\"1\"} 3");
	has_line(text, BUCKET "\"2.5\"} 4");
	has_line(text, BUCKET "\"+Inf\"} 6");
	has_line(text, "mailconfd_answer_duration_seconds_count{protocol=\"pacc\"} 6");
	has_line(text, "mailconfd_answer_duration_seconds_sum{protocol=\"pacc\"} 95.000202");
}

static void only_what_occurred_is_there(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text = written(&memory, "1");

	assert_null(strstr(text, "requests_total{"));
	assert_null(strstr(text, "seconds_bucket"));
	assert_null(strstr(text, "handshakes_total{"));
	assert_string_equal(text + strlen(text) - strlen("\n# EOF\n"), "\n# EOF\n");
}

static void values_are_escaped(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	has_line(written(&memory, "a\"b\\c\nd"),
		 "mailconfd_build_info{version=\"" MAILCONFD_VERSION
		 "\",libmicrohttpd=\"a\\\"b\\\\c\\nd\",gnutls=\"3\",sqlite=\"3\"} 1");
}

static bool is_protocol(const char *name)
{
	for (size_t i = 0; i < COUNTERS_PROTOCOLS - 1; i++)
		if (text_equals(counters_protocol(i), name))
			return true;
	return false;
}

static bool is_outcome(const char *name)
{
	for (size_t i = 0; i < COUNTERS_OUTCOMES - 1; i++)
		if (text_equals(counters_outcomes[i], name))
			return true;
	return false;
}

/* What http/ itself says is in tests/system/test_metrics.py. */
static void all_names_are_known(void **state)
{
	for (size_t i = 0; i < PROTOCOLS; i++)
		assert_true(is_protocol(all_protocols[i]->name));
	for (enum failure failure = 0; failure < FAILURES; failure++)
		assert_true(is_outcome(failure_name(failure)));
	assert_false(is_outcome("nonsense"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "sums up workers and programs", sums_up_workers_and_programs, begin },
		{ "latencies add up", latencies_add_up, begin },
		{ "only what occurred is there", only_what_occurred_is_there, begin },
		{ "values are escaped", values_are_escaped, begin },
		{ "all names are known", all_names_are_known },
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
