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

static bool for_journal;

static void set_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	for_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		      fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
		      status.st_ino == inode;
}

/* Whether standard error is the stream that systemd made for its journal, as JOURNAL_STREAM names
 * it (systemd.exec(5)). */
static bool is_for_journal(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_journal);
	return for_journal;
}

unsigned log_lines_lost(void)
{
	return atomic_load(&all_lost);
}

static const struct {
	const char *name;
	int priority; /* sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
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

struct log_event log_event_begin(struct arena *memory, enum log_level level)
{
	struct log_event event = {
		.level = level,
		.format = (enum log_format)atomic_load(&log_format),
		.line = BYTES_IN(memory),
	};

	/* The journal takes it off the line again. */
	if (is_for_journal())
		bytes_add_format(&event.line, "<%d>", levels[level].priority);
	if (event.format == LOG_FORMAT_JSON) {
		bytes_add_text(&event.line, "{\"time\":\"");
		add_time(&event.line);
		bytes_add_format(&event.line, "\",\"level\":\"%s\"", levels[level].name);
	} else if (!is_for_journal()) {
		add_time(&event.line);
		bytes_add_char(&event.line, ' ');
		if (level != LOG_LEVEL_INFO)
			bytes_add_format(&event.line, "%s: ", levels[level].name);
	}
	return event;
}

/* Most of what is logged goes out as it is. What is left of the text after so many bytes is cut
 * off. */
static void add_quoted(struct bytes *line, const char *text, size_t limit, char quote,
		       size_t (*escape)(struct bytes *line, const char *text))
{
	const char *end = text + strnlen(text, limit);

	bytes_add_char(line, quote);
	while (text < end) {
		const char *plain = text;

		while (text < end && *text != quote && *text != '\\' && !char_is_control(*text) &&
		       (unsigned char)*text < 0x80)
			text++;
		bytes_add(line, plain, (size_t)(text - plain));
		if (text < end)
			text += escape(line, text);
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

/* What is not UTF-8 comes out as U+FFFD, byte by byte. */
static size_t escape_for_json(struct bytes *line, const char *text)
{
	uint32_t character = 0xfffd;
	size_t length = utf8_decode(text, SIZE_MAX, &character);

	if (*text == '"' || *text == '\\')
		bytes_add_format(line, "\\%c", *text);
	else if (character >= 0x10000)
		bytes_add_format(line, "\\u%04x\\u%04x", 0xd800 + ((character - 0x10000) >> 10),
				 0xdc00 + ((character - 0x10000) & 0x3ff));
	else
		bytes_add_format(line, "\\u%04x", character);
	return length ? length : 1;
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

/* The whole line goes out in one write(), so that lines of several threads do not mix. */
void log_event_end(struct log_event *event)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	unsigned missing;

	if (!event->is_trace && !log_is_on(event->level))
		return;
	bytes_add_text(&event->line, event->format == LOG_FORMAT_JSON ? "}\n" : "\n");
	if (poll(&fd, 1, atomic_load(&lost) ? 0 : STALL_MS) == 0) {
		atomic_fetch_add(&lost, 1);
		atomic_fetch_add(&all_lost, 1);
		return;
	}
	missing = atomic_exchange(&lost, 0);
	while (write(STDERR_FILENO, event->line.data, event->line.size) < 0 && errno == EINTR)
		;
	if (missing > 0)
		log_warning("lines of the log missing before this: %u, because standard error "
			    "was not read in time",
			    missing);
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

void log_error_of(const char *sentence, void *context)
{
	log_error("%s", sentence);
}

void log_warning_of(const char *sentence, void *context)
{
	log_warning("%s", sentence);
}

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

void log_error_counted(const char *format, ...)
{
	char sentence[REPEATED_MAX_LENGTH];
	struct repeat *place = repeats;
	int64_t now = clock_now();
	bool is_known = false;
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	pthread_mutex_lock(&repeats_lock);
	/* Its place; else a free one, for which another has to go where all are taken. */
	for (struct repeat *repeat = repeats; repeat < repeats + REPEATS_MAX && !is_known;
	     repeat++) {
		is_known = text_equals(repeat->sentence, sentence);
		if (is_known || repeat->until < place->until)
			place = repeat;
	}
	is_known = is_known && now < place->until;
	if (is_known) {
		place->count++;
	} else {
		log_repeat(place);
		snprintf(place->sentence, sizeof(place->sentence), "%s", sentence);
		place->until = now + REPEAT_MS;
	}
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
