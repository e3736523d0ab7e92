#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

#define SENTENCE_MAX_LENGTH 2048
#define QUOTED_MAX_LENGTH 256

#define REPEATED_MAX_LENGTH 512
#define REPEATS_MAX 64
#define REPEAT_MS 60000

/* How long one line waits for its reader. */
#define STALL_MS 100

/* Set by the main thread on reload, read by all. */
static atomic_int log_level = LOG_LEVEL_INFO, log_format = LOG_FORMAT_TEXT;

/* Dropped lines; not 0 while the reader of standard error is behind. */
static atomic_uint lost, all_lost;

void log_set_level(enum log_level level)
{
	atomic_store(&log_level, (int)level);
}

void log_set_format(enum log_format format)
{
	atomic_store(&log_format, (int)format);
}

bool log_is_on(enum log_level level)
{
	return (int)level <= atomic_load(&log_level);
}

/* Whether standard error is the stream that systemd made for its journal, as JOURNAL_STREAM names
 * it (systemd.exec(5)). */
static bool find_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

static bool for_journal;

static void set_journal(void)
{
	for_journal = find_journal();
}

static bool is_for_journal(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_journal);
	return for_journal;
}

static bool is_writable(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&fd, 1, atomic_load(&lost) ? 0 : STALL_MS) != 0;
}

/* The whole line goes out in one write(), so that lines of several threads do not mix. */
static void write_line(const char *line, size_t size)
{
	unsigned missing;

	if (!is_writable()) {
		atomic_fetch_add(&lost, 1);
		atomic_fetch_add(&all_lost, 1);
		return;
	}
	missing = atomic_exchange(&lost, 0);
	while (write(STDERR_FILENO, line, size) < 0 && errno == EINTR)
		;
	if (missing > 0)
		log_warning("lines of the log missing before this: %u, because standard error "
			    "was not read in time",
			    missing);
}

unsigned log_lines_lost(void)
{
	return atomic_load(&all_lost);
}

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* 2026-11-26T08:30:00.123Z (RFC 3339) */
static void add_time(struct bytes *line)
{
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	bytes_add_format(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", parts.tm_year + 1900,
			 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
			 now.tv_nsec / 1000000);
}

/* The journal takes it off the line again. */
static void add_priority(struct bytes *line, enum log_level level)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = 3,
		[LOG_LEVEL_WARNING] = 4,
		[LOG_LEVEL_INFO] = 6,
		[LOG_LEVEL_DEBUG] = 7,
	};

	bytes_add_format(line, "<%d>", priorities[level]);
}

static void begin_text(struct bytes *line, enum log_level level)
{
	add_time(line);
	bytes_add_char(line, ' ');
	if (level != LOG_LEVEL_INFO)
		bytes_add_format(line, "%s: ", level_names[level]);
}

struct log_event log_event_begin(struct arena *memory, enum log_level level)
{
	struct log_event event = {
		.level = level,
		.format = (enum log_format)atomic_load(&log_format),
		.line = BYTES_IN(memory),
	};

	if (is_for_journal())
		add_priority(&event.line, level);
	if (event.format == LOG_FORMAT_TEXT) {
		if (!is_for_journal())
			begin_text(&event.line, level);
		return event;
	}
	bytes_add_text(&event.line, "{\"time\":\"");
	add_time(&event.line);
	bytes_add_format(&event.line, "\",\"level\":\"%s\"", level_names[level]);
	return event;
}

/* As many bytes of the text, up to the limit, as go out as they are, which is most of what is
 * logged. */
static size_t plain_run(const char *text, size_t limit, char quote)
{
	size_t run = 0;

	while (run < limit && text[run] && text[run] != quote && text[run] != '\\' &&
	       !char_is_control(text[run]) && (unsigned char)text[run] < 0x80)
		run++;
	return run;
}

/* What is left of the text after so many bytes is cut off. */
static void add_quoted(struct bytes *line, const char *text, size_t limit, char quote,
		       size_t (*escape)(struct bytes *line, const char *text))
{
	size_t left = limit;

	bytes_add_char(line, quote);
	while (*text && left > 0) {
		size_t done = plain_run(text, left, quote);

		bytes_add(line, text, done);
		if (done < left && text[done])
			done += escape(line, text + done);
		text += done;
		left -= done < left ? done : left;
	}
	if (*text)
		bytes_add_text(line, "...");
	bytes_add_char(line, quote);
}

/* An escape writes one character, and returns how many bytes it has in the text. */
static size_t escape_for_text(struct bytes *line, const char *text)
{
	bytes_add_format(line, strchr("\"'\\", *text) ? "\\%c" : "\\x%02x", (unsigned char)*text);
	return 1;
}

static void add_code_unit(struct bytes *line, uint32_t unit)
{
	bytes_add_format(line, "\\u%04x", (unsigned)unit);
}

/* What is not UTF-8 comes out as U+FFFD, byte by byte. */
static size_t escape_for_json(struct bytes *line, const char *text)
{
	static const uint8_t first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t length = utf8_sequence_length(text, strnlen(text, 4));
	uint32_t character;

	if (*text == '"' || *text == '\\') {
		bytes_add_format(line, "\\%c", *text);
		return 1;
	}
	if (length == 0) {
		add_code_unit(line, 0xfffd);
		return 1;
	}
	character = (uint8_t)text[0] & first_bits[length];
	for (size_t i = 1; i < length; i++)
		character = character << 6 | ((uint8_t)text[i] & 0x3f);
	if (character >= 0x10000) {
		add_code_unit(line, 0xd800 + ((character - 0x10000) >> 10));
		add_code_unit(line, 0xdc00 + ((character - 0x10000) & 0x3ff));
	} else {
		add_code_unit(line, character);
	}
	return length;
}

static void add_name(struct log_event *event, const char *name)
{
	bool is_json = event->format == LOG_FORMAT_JSON;

	if (is_json)
		bytes_add_text(&event->line, ",\"");
	else if (event->has_values)
		bytes_add_char(&event->line, ' ');
	bytes_add_text(&event->line, name);
	bytes_add_text(&event->line, is_json ? "\":" : "=");
	event->has_values = true;
}

struct log_event log_event_begin_trace(struct arena *memory, const char *name)
{
	struct log_event event = log_event_begin(memory, LOG_LEVEL_DEBUG);

	event.is_trace = true;
	if (event.format == LOG_FORMAT_JSON)
		log_event_word(&event, "event", name);
	else
		bytes_add_format(&event.line, "%s:", name);
	event.has_values = true;
	return event;
}

void log_event_word(struct log_event *event, const char *name, const char *word)
{
	const char *quote = event->format == LOG_FORMAT_JSON ? "\"" : "";

	add_name(event, name);
	bytes_add_text(&event->line, quote);
	bytes_add_text(&event->line, word);
	bytes_add_text(&event->line, quote);
}

void log_event_text(struct log_event *event, const char *name, const char *text)
{
	bool is_json = event->format == LOG_FORMAT_JSON;

	add_name(event, name);
	if (text)
		add_quoted(&event->line, text, QUOTED_MAX_LENGTH, '"',
			   is_json ? escape_for_json : escape_for_text);
	else
		bytes_add_text(&event->line, is_json ? "null" : "-");
}

void log_event_number(struct log_event *event, const char *name, int64_t number)
{
	add_name(event, name);
	bytes_add_format(&event->line, "%lld", (long long)number);
}

void log_event_end(struct log_event *event)
{
	if (!event->is_trace && !log_is_on(event->level))
		return;
	bytes_add_text(&event->line, event->format == LOG_FORMAT_JSON ? "}\n" : "\n");
	write_line(event->line.data, event->line.size);
}

/* The hint may be NULL or "". */
static void put_sentence(enum log_level level, const char *sentence, const char *hint)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event = log_event_begin(&memory, level);
	bool has_hint = hint && *hint;

	if (event.format == LOG_FORMAT_JSON) {
		add_name(&event, "message");
		add_quoted(&event.line, sentence, SENTENCE_MAX_LENGTH, '"', escape_for_json);
		if (has_hint)
			log_event_text(&event, "hint", hint);
	} else {
		bytes_add_text(&event.line, sentence);
		if (has_hint)
			bytes_add_format(&event.line, "; %s", hint);
	}
	log_event_end(&event);
}

void log_failure(enum log_level level, const struct error *err, const char *consequence)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	if (!log_is_on(level))
		return;
	put_sentence(level,
		     consequence ? arena_printf(&memory, "%s; %s", err->text, consequence)
				 : err->text,
		     err->hint);
}

#define DEFINE_LOG_FUNCTION(name, level)                             \
	void name(const char *format, ...)                           \
	{                                                            \
		char sentence[SENTENCE_MAX_LENGTH];                  \
		va_list args;                                        \
                                                                     \
		if (!log_is_on(level))                               \
			return;                                      \
		va_start(args, format);                              \
		vsnprintf(sentence, sizeof(sentence), format, args); \
		va_end(args);                                        \
		put_sentence(level, sentence, NULL);                 \
	}                                                            \
	struct log_function_needs_a_semicolon_

DEFINE_LOG_FUNCTION(log_error, LOG_LEVEL_ERROR);
DEFINE_LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING);
DEFINE_LOG_FUNCTION(log_info, LOG_LEVEL_INFO);
DEFINE_LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG);

/* Errors of the last minute, each once. */
static struct repeat {
	char sentence[REPEATED_MAX_LENGTH]; /* "" in a free place */
	int64_t until;			    /* of clock_now() */
	unsigned count;			    /* how often it came after the first time */
} repeats[REPEATS_MAX];
static pthread_mutex_t repeats_lock = PTHREAD_MUTEX_INITIALIZER;

static void log_repeat(struct repeat *repeat)
{
	if (repeat->count > 0)
		log_error("%s (%u more times within %d s)", repeat->sentence, repeat->count,
			  REPEAT_MS / 1000);
	*repeat = (struct repeat){ 0 };
}

/* The place of the sentence; else a free one, for which another has to go where all are taken. */
static struct repeat *find_repeat(const char *sentence)
{
	struct repeat *best = repeats;

	for (struct repeat *repeat = repeats; repeat < repeats + REPEATS_MAX; repeat++) {
		if (text_equals(repeat->sentence, sentence))
			return repeat;
		if (repeat->until < best->until)
			best = repeat;
	}
	log_repeat(best);
	return best;
}

static bool is_repeated(const char *sentence, int64_t now)
{
	struct repeat *repeat = find_repeat(sentence);

	if (*repeat->sentence && now < repeat->until) {
		repeat->count++;
		return true;
	}
	log_repeat(repeat);
	snprintf(repeat->sentence, sizeof(repeat->sentence), "%s", sentence);
	repeat->until = now + REPEAT_MS;
	return false;
}

void log_error_counted(const char *format, ...)
{
	char sentence[REPEATED_MAX_LENGTH];
	bool is_known;
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	pthread_mutex_lock(&repeats_lock);
	is_known = is_repeated(sentence, clock_now());
	pthread_mutex_unlock(&repeats_lock);
	if (!is_known)
		log_error("%s", sentence);
}

void log_tell_repeats(int64_t now)
{
	pthread_mutex_lock(&repeats_lock);
	for (struct repeat *repeat = repeats; repeat < repeats + REPEATS_MAX; repeat++)
		if (*repeat->sentence && repeat->until <= now)
			log_repeat(repeat);
	pthread_mutex_unlock(&repeats_lock);
}

const char *log_quote(struct arena *memory, const char *text)
{
	struct bytes quoted = BYTES_IN(memory);

	if (!text)
		return "-";
	add_quoted(&quoted, text, QUOTED_MAX_LENGTH, '\'', escape_for_text);
	return bytes_text(&quoted);
}
