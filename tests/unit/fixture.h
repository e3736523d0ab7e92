#pragma once

/*
 * What unit tests share: checks that name the row of a table, a directory for files, and a
 * database filled from a few lines.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "util/error.h"

struct arena;
struct store;

/* Each fails the test, and says for which row, unless got is wanted (NULL only where NULL is), or
 * the error is of this kind and its text holds the words. */
void check_text(const char *row, const char *got, const char *wanted);
void check_number(const char *row, long long got, long long wanted);
void check_error(const char *row, const struct error *err, enum error_kind kind, const char *words);

/* A new directory, and its removal with the files in it. */
char *directory_new(void);
void directory_free(char *directory);

/* The path of a file in the directory. Lives in memory. */
const char *directory_path(struct arena *memory, const char *directory, const char *file);

/*
 * Adds what the lines say, up to the first NULL:
 *
 *     provider NAME [login=PATTERN] [case=keep] [delimiter=CHARACTERS] [mx=no] [names=yes]
 *              [md5=yes] [pacc=yes] [v2=yes] [display=NAME] [service=URL]...
 *     domain NAME PROVIDER [off]
 *     domain NAME =TARGET [off]
 *     user ADDRESS LOGIN [name=NAME] [provider=PROVIDER]
 */
void store_fill(struct store *store, const char *const *lines);
