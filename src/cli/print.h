#pragma once

/*
 * What the tool says beside its output: errors, warnings, progress. Nothing that a terminal would
 * obey goes out, whatever the database holds.
 */

#include "util/base.h"

/* The text with control characters written as \u001b, and bytes that are not UTF-8 as \xff. */
const char *text_escape(struct arena *memory, const char *text);

/* The same for a text of several lines, whose line ends remain. */
const char *text_escape_within_lines(struct arena *memory, const char *text);

/* From here on, nothing is printed but errors and what was asked for. */
void print_quietly(void);
bool print_is_quiet(void);

/* Whether standard error is a terminal, and may get more than errors. */
bool print_is_watched(void);

/* To standard error: "mailconfctl: TEXT", "mailconfctl: warning: TEXT"; where there is a hint,
 * which may be NULL or "", it follows on a line of its own: "hint: HINT". */
void error_print(const char *text, const char *hint);
void warning_print(const char *text, const char *hint);

/* A progress bar on standard error, if somebody watches. */
struct progress {
	const char *doing; /* "reading" */
	long long whole;   /* the final value of done, 0 if unknown */
	int64_t next;	   /* when it is drawn again */
	bool is_shown, is_drawn;
};

void progress_begin(struct progress *progress, const char *doing, long long whole);

/* Redraws it, at most ten times a second. */
void progress_at(struct progress *progress, long long done);

/* Clears the line. */
void progress_end(struct progress *progress);
