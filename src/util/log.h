#pragma once

/*
 * The log: one line for each event, to standard error, as text or as JSON (RFC 8259). Lines of
 * text begin with the time, or, where the journal of systemd reads them, with its <n> priority.
 * Only daemon/, http/ and cli/ log; the rest return errors. What comes from a client is quoted.
 *
 * A reader that falls behind never holds a thread for long: after STALL_MS lines are dropped until
 * it reads again, and then the log says how many are missing.
 */

#include "util/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Lines less urgent than the level are dropped. Both may be set while other threads log. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);
bool log_is_on(enum log_level level);

/* A sentence for people. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for functions that report one sentence a call. */
void log_error_of(const char *sentence, void *context);
void log_warning_of(const char *sentence, void *context);

/* An error, what follows from it (or NULL) and its hint: "TEXT; CONSEQUENCE; HINT", in JSON with
 * the hint as a member of its own. */
void log_failure(enum log_level level, const struct error *err, const char *consequence);

/* An error that clients can cause again and again. The same one within a minute is counted;
 * log_tell_repeats(), which must be called regularly, says how often it came. */
void log_error_counted(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_tell_repeats(int64_t now); /* clock_now(); INT64_MAX tells all */

/* How many lines were dropped since the start, because they were not read in time. */
unsigned log_lines_lost(void);

/* An event as names and values: method="GET" status=200, or {"method":"GET","status":200}. The
 * line is gathered in memory; log_event_end() writes it. */
struct log_event {
	enum log_level level;
	enum log_format format;
	bool is_trace; /* written at any level */
	bool has_values;
	struct bytes line;
};

struct log_event log_event_begin(struct arena *memory, enum log_level level);

/* A line of the trace, which begins with the name of the event. */
struct log_event log_event_begin_trace(struct arena *memory, const char *name);

void log_event_word(struct log_event *event, const char *name, const char *word); /* our own */
void log_event_text(struct log_event *event, const char *name, const char *text); /* a client's */
void log_event_number(struct log_event *event, const char *name, int64_t number);
void log_event_end(struct log_event *event);

/* The text in single quotes, for a sentence; with these quotes, backslashes, control characters and
 * all that is not ASCII escaped, cut after 256 bytes. NULL gives -. */
const char *log_quote(struct arena *memory, const char *text);
