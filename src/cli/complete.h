#pragma once

/*
 * What a shell may offer next, from the tables of commands and the names in the database. The
 * scripts in packaging/completion/ ask for it:
 *
 *     mailconfctl complete WORD ...
 *
 * The words are those after "mailconfctl", up to the one that is being typed, which may be "".
 * Each line of the answer is a whole word that could replace it, and maybe a tab and what
 * it means; or ":files", where the shell completes file names.
 */

#include "util/base.h"

/* argv is "complete" and the words. Never fails: where the database cannot be read now, it offers
 * no names. */
void complete_print(struct arena *memory, char *const *argv, size_t count);
