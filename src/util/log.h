#pragma once

/*
 * One line per event to standard error, with <n> priorities when the journal reads it. Only
 * daemon/, http/listener.c and cli/ log; the rest return errors. What comes from a client is
 * quoted with log_quote().
 */

#include <stdbool.h>

struct arena;

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines less urgent than the level are dropped. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The text in double quotes, with quotes, backslashes, control characters and all that is not
 * ASCII escaped, cut after 256 bytes. NULL gives -. */
const char *log_quote(struct arena *memory, const char *text);
