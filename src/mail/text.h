#pragma once

/* The texts that an admin gives and that go out as they are: names and logins. */

#include "util/base.h"

/* Whether UTF-8 has characters that a terminal or XML cannot bear. */
bool text_has_unbearable(const char *text);

/* Whether the text can be shown and sent: not empty, UTF-8, no blank at its ends, nothing
 * unbearable, at most max characters. what names it in the error ("login"),
 * which holds the text as it is. Returns 0, or -1 with err set. */
int text_check(const char *what, const char *text, size_t max, struct error *err);

/* What a client takes a user name in an XML document for. */
enum login_reading { LOGIN_READ_AS_TEXT, LOGIN_READ_AS_NUMBER, LOGIN_READ_AS_TRUTH };

#define LOGIN_MAX_LENGTH 255 /* in bytes */

/* Whether the text can be a user's login. Returns 0, or -1 with err set. */
int login_check(struct arena *memory, const char *text, struct error *err);

/* What Thunderbird on the desktop takes the login for. A number that it writes just as it was
 * (4711) counts as text. */
enum login_reading login_reading(const char *text);
