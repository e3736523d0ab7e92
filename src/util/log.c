#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/bytes.h"

#define LINE_MAX_LENGTH 2048
#define QUOTED_MAX_LENGTH 256

/* Set by the main thread on reload, read by all. */
static atomic_int log_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&log_level, (int)level);
}

bool log_is_on(enum log_level level)
{
	return (int)level <= atomic_load(&log_level);
}

/* The whole line goes out in one write(), so that lines of several threads do not mix. */
__attribute__((format(printf, 2, 0))) static void log_write(enum log_level level,
							    const char *format, va_list args)
{
	static const char *const priority[] = {
		[LOG_LEVEL_ERROR] = "<3>",
		[LOG_LEVEL_WARNING] = "<4>",
		[LOG_LEVEL_INFO] = "<6>",
		[LOG_LEVEL_DEBUG] = "<7>",
	};
	static const char *const word[] = {
		[LOG_LEVEL_ERROR] = "error: ",
		[LOG_LEVEL_WARNING] = "warning: ",
		[LOG_LEVEL_INFO] = "",
		[LOG_LEVEL_DEBUG] = "debug: ",
	};
	bool for_journal = getenv("JOURNAL_STREAM") != NULL;
	char line[LINE_MAX_LENGTH];
	int start, length;

	if (!log_is_on(level))
		return;
	start = snprintf(line, sizeof(line), "%s", for_journal ? priority[level] : word[level]);
	length = vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, args);
	if (length < 0)
		return;
	length += start;
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	while (write(STDERR_FILENO, line, (size_t)length) < 0 && errno == EINTR)
		;
}

#define DEFINE_LOG_FUNCTION(name, level)        \
	void name(const char *format, ...)      \
	{                                       \
		va_list args;                   \
                                                \
		va_start(args, format);         \
		log_write(level, format, args); \
		va_end(args);                   \
	}                                       \
	struct log_function_needs_a_semicolon_

DEFINE_LOG_FUNCTION(log_error, LOG_LEVEL_ERROR);
DEFINE_LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING);
DEFINE_LOG_FUNCTION(log_info, LOG_LEVEL_INFO);
DEFINE_LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG);

static bool needs_no_escape(char c)
{
	return c != '"' && c != '\\' && !char_is_control(c) && (unsigned char)c < 0x80;
}

/* Runs of ordinary characters, which is most of what is logged, are added in one go. */
const char *log_quote(struct arena *memory, const char *text)
{
	struct bytes quoted = BYTES_IN(memory);
	size_t left = QUOTED_MAX_LENGTH;

	if (!text)
		return "-";
	bytes_add_char(&quoted, '"');
	while (*text && left > 0) {
		size_t run = 0;

		while (run < left && text[run] && needs_no_escape(text[run]))
			run++;
		bytes_add(&quoted, text, run);
		text += run;
		left -= run;
		if (!*text || left == 0)
			break;
		if (*text == '"' || *text == '\\')
			bytes_add_format(&quoted, "\\%c", *text);
		else
			bytes_add_format(&quoted, "\\x%02x", (unsigned char)*text);
		text++;
		left--;
	}
	bytes_add_text(&quoted, *text ? "...\"" : "\"");
	return bytes_text(&quoted);
}
