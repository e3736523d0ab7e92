#pragma once

/*
 * Command lines in a text, one a line, as a shell would split them:
 *
 *     user add first.last@example.org a4711 --name 'First Last'   # a comment
 *
 * Words are separated by whitespace. 'single quotes' keep all between them, "double quotes" too
 * except a backslash before " \ $ or `; elsewhere a backslash keeps the next character, and before
 * the end of a line it joins the next line. A # that begins a word begins a comment. Nothing else
 * is special. A quoted word may hold the end of a line.
 */

#include "util/base.h"

struct words {
	const char *next, *end; /* what is left of the text */
	unsigned line;		/* where the command read last begins, or its mistake is */
	unsigned next_line;
};

#define WORDS_IN(text, size)            \
	((struct words){                \
		.next = (text),         \
		.end = (text) + (size), \
		.next_line = 1,         \
	})

enum { WORDS_END = 1 };

/* Reads the next command, passing over empty lines. Its words live in memory. Returns 0, WORDS_END,
 * or -1 with err set: a quote that is not closed, a byte that no text has. */
int words_next(struct words *words, struct arena *memory, const char ***ret_words,
	       size_t *ret_count, struct error *err);

/* The word, with quotes where it needs them, so that words_next() reads it back. Any text will do.
 * In memory. */
const char *word_quote(struct arena *memory, const char *word);

/* The same for a command within a sentence, in single quotes: with double ones,
 * also around what is special to a shell alone. */
const char *word_in_sentence(struct arena *memory, const char *word);
