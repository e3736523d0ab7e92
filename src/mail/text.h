#pragma once

/* The texts that an admin gives and that go out as they are: names and logins. */

#include <stdbool.h>
#include <stddef.h>

struct error;

/* Whether UTF-8 has characters that a terminal or XML cannot bear. */
bool text_has_unbearable(const char *text);

/* Whether the text can be shown and sent: not empty, UTF-8, no blank at its ends, nothing
 * unbearable, at most max characters. what names it in the error ("login"),
 * which holds the text as it is. Returns 0, or -1 with err set. */
int text_check(const char *what, const char *text, size_t max, struct error *err);
