#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

/* Standard error is a pipe while a test looks at the log. */
struct pipe {
	int ends[2], saved;
};

static struct pipe redirect(void)
{
	struct pipe log;

	assert_int_equal(pipe2(log.ends, O_NONBLOCK), 0);
	log.saved = dup(STDERR_FILENO);
	assert_true(dup2(log.ends[1], STDERR_FILENO) >= 0);
	return log;
}

static const char *what_was_logged(struct arena *memory, const struct pipe *log)
{
	struct bytes text = BYTES_IN(memory);
	char data[4096];
	ssize_t size;

	while ((size = read(log->ends[0], data, sizeof(data))) > 0)
		bytes_add(&text, data, (size_t)size);
	return bytes_text(&text);
}

static void restore(const struct pipe *log)
{
	(void)dup2(log->saved, STDERR_FILENO);
	(void)close(log->saved);
	(void)close(log->ends[0]);
	(void)close(log->ends[1]);
	log_set_format(LOG_FORMAT_TEXT);
	log_set_level(LOG_LEVEL_INFO);
}

static const struct {
	const char *in, *text, *json;
} rows[] = {
	{ "plain", "\"plain\"", "\"plain\"" },
	{ "", "\"\"", "\"\"" },
	{ NULL, "-", "null" },
	{ "a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\"" },
	{ "\x1b[31m\n\x7f", "\"\\x1b[31m\\x0a\\x7f\"", "\"\\u001b[31m\\u000a\\u007f\"" },
	{ "m\xc3\xbcller", "\"m\\xc3\\xbcller\"", "\"m\\u00fcller\"" },
	{ "\xc2\x9b", "\"\\xc2\\x9b\"", "\"\\u009b\"" },
	{ "\xf0\x9f\x93\xac", "\"\\xf0\\x9f\\x93\\xac\"", "\"\\ud83d\\udcec\"" },
	{ "\xe2\x82", "\"\\xe2\\x82\"", "\"\\ufffd\\ufffd\"" },
	{ "\xff!", "\"\\xff!\"", "\"\\ufffd!\"" },
};

static void test_escapes(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct log_event event;

		event = log_event_begin(&memory, LOG_LEVEL_INFO);
		log_event_text(&event, "value", rows[i].in);
		check_text(rows[i].in, strstr(bytes_text(&event.line), "value=") + 6, rows[i].text);
		log_set_format(LOG_FORMAT_JSON);
		event = log_event_begin(&memory, LOG_LEVEL_INFO);
		log_set_format(LOG_FORMAT_TEXT);
		log_event_text(&event, "value", rows[i].in);
		check_text(rows[i].in, strstr(bytes_text(&event.line), "\"value\":") + 8,
			   rows[i].json);
	}
}

static void test_long_text_is_cut(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char text[1000];
	const char *quoted;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	quoted = log_quote(&memory, text);
	assert_int_equal(strlen(quoted), 256 + strlen("'...'"));
	check_text("end", quoted + strlen(quoted) - 5, "x...'");
}

static void test_sentences_begin_with_the_time(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct pipe log = redirect();
	const char *text;

	log_error("%s", "one");
	log_debug("%s", "not this");
	log_info("two");
	text = what_was_logged(&memory, &log);
	restore(&log);
	assert_int_equal(text[4], '-');
	assert_int_equal(text[10], 'T');
	check_text("error", arena_strndup(&memory, text + 23, 12), "Z error: one");
	check_text("info", strstr(text, "\n") + 1 + 23, "Z two\n");
}

static void test_json(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct pipe log = redirect();
	struct log_event event;
	const char *text, *end;
	json_error_t error;
	json_t *sentence, *values;

	log_set_format(LOG_FORMAT_JSON);
	log_warning("a \"quoted\" word\n");
	event = log_event_begin(&memory, LOG_LEVEL_INFO);
	log_event_text(&event, "method", "GET");
	log_event_word(&event, "tls", "1.3");
	log_event_number(&event, "status", 200);
	log_event_end(&event);
	text = what_was_logged(&memory, &log);
	restore(&log);
	end = strchr(text, '\n');
	sentence = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, &error);
	values = json_loads(end + 1, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(sentence);
	assert_non_null(values);
	check_text("level", json_string_value(json_object_get(sentence, "level")), "warning");
	check_text("message", json_string_value(json_object_get(sentence, "message")),
		   "a \"quoted\" word\n");
	check_text("method", json_string_value(json_object_get(values, "method")), "GET");
	check_text("tls", json_string_value(json_object_get(values, "tls")), "1.3");
	check_number("status", json_integer_value(json_object_get(values, "status")), 200);
	json_decref(sentence);
	json_decref(values);
}

static void test_hints(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct pipe log = redirect();
	struct error err;
	const char *text;

	error_set(&err, ERROR_CONFIG, "key 'x' is unknown");
	error_hint(&err, "remove it");
	log_set_format(LOG_FORMAT_TEXT);
	log_failure(LOG_LEVEL_ERROR, &err, "the old settings stay in force");
	log_set_format(LOG_FORMAT_JSON);
	log_failure(LOG_LEVEL_ERROR, &err, NULL);
	error_set(&err, ERROR_CONFIG, "key 'y' is unknown");
	log_failure(LOG_LEVEL_ERROR, &err, NULL);
	text = what_was_logged(&memory, &log);
	restore(&log);
	assert_non_null(
		strstr(text, "key 'x' is unknown; the old settings stay in force; remove it\n"));
	assert_non_null(
		strstr(text, "\"message\":\"key 'x' is unknown\",\"hint\":\"remove it\"}\n"));
	assert_non_null(strstr(text, "\"message\":\"key 'y' is unknown\"}\n"));
}

static size_t count_of(const char *text, const char *words)
{
	size_t count = 0;

	for (text = strstr(text, words); text; text = strstr(text + 1, words))
		count++;
	return count;
}

static void test_repeated_errors_are_counted(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct pipe log = redirect();
	const char *text;

	for (int i = 0; i < 5; i++)
		log_error_counted("provider '%s' is broken", "a");
	log_error_counted("provider '%s' is broken", "b");
	text = what_was_logged(&memory, &log);
	assert_int_equal(count_of(text, "provider 'a' is broken\n"), 1);
	assert_int_equal(count_of(text, "provider 'b' is broken\n"), 1);
	log_tell_repeats(clock_now());
	check_text("too early", what_was_logged(&memory, &log), "");
	log_tell_repeats(clock_now() + 60000);
	text = what_was_logged(&memory, &log);
	assert_int_equal(count_of(text, "provider 'a' is broken (4 more times within 60 s)"), 1);
	assert_int_equal(count_of(text, "provider 'b'"), 0);

	/* More of them than are remembered: what has to go is told. */
	log_error_counted("first");
	log_error_counted("first");
	for (int i = 0; i < 100; i++)
		log_error_counted("other %d", i);
	text = what_was_logged(&memory, &log);
	assert_int_equal(count_of(text, "first (1 more times"), 1);
	log_tell_repeats(INT64_MAX);
	restore(&log);
}

static void test_a_reader_that_stands_still_holds_nobody(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct pipe log = redirect();
	const char *text;

	assert_true(fcntl(log.ends[1], F_SETPIPE_SZ, 16384) >= 16384);
	for (int i = 0; i < 1000; i++)
		log_info("line %d of many, so that the pipe is full before long", i);
	text = what_was_logged(&memory, &log);
	assert_non_null(strstr(text, "line 0 of many"));
	assert_null(strstr(text, "line 999 of many"));
	log_info("it reads again");
	text = what_was_logged(&memory, &log);
	restore(&log);
	assert_non_null(strstr(text, "it reads again"));
	assert_non_null(strstr(text, "lines of the log missing before this: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "escapes", test_escapes },
		{ "long_text_is_cut", test_long_text_is_cut },
		{ "sentences_begin_with_the_time", test_sentences_begin_with_the_time },
		{ "json", test_json },
		{ "hints", test_hints },
		{ "repeated_errors_are_counted", test_repeated_errors_are_counted },
		{ "a_reader_that_stands_still_holds_nobody",
		  test_a_reader_that_stands_still_holds_nobody },
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
