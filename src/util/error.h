#pragma once

/*
 * An error is a value on the caller's stack: nothing to free, nothing to lose.
 *
 * A function that can fail returns 0 when done, -1 when it failed and filled in the error, and a
 * positive value of its own group's enum for an outcome that its direct caller is expected to
 * handle. -1 goes up unchanged (error_prefix adds what an operator needs); a positive value never
 * goes up.
 */

struct arena;

enum error_kind {
	ERROR_NONE,
	ERROR_INPUT,   /* what a person or a client gave is wrong */
	ERROR_MISSING, /* there is no object of the name that a person gave */
	ERROR_USAGE,   /* the command line is wrong */
	ERROR_CONFIG,  /* the settings file is wrong */
	ERROR_STORE,   /* the database failed */
	ERROR_DATA,    /* a row of the database holds what it must not */
	ERROR_ROW,     /* a row of the database cannot be read: the file is corrupted */
	ERROR_TLS,     /* a certificate or key cannot be used */
	ERROR_SYSTEM,  /* a system call failed */
};

struct error {
	enum error_kind kind;
	char text[512]; /* what is wrong: "cannot VERB OBJECT: reason", "OBJECT is invalid: reason"
			 */
	char hint[256]; /* what to do about it, a sentence without its period; "" if there is
			   nothing */
};

/* Fills in the error, without a hint. Text that is too long is cut. Always returns -1. */
int error_set(struct error *err, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " before the text and keeps the hint. Always returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the hint of an error that is filled in. Always returns -1. */
int error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "TEXT" or "TEXT; HINT", for where there is only one line. Lives in memory. */
const char *error_line(struct arena *memory, const struct error *err);

/* Puts more after the text, of which over-long text is cut. Always returns -1. */
int error_append(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
