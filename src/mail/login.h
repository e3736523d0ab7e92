#pragma once

/* The login name of one user, which is taken literally. */

struct arena;
struct error;

/* What a client takes a user name in an XML document for. */
enum login_reading { LOGIN_READ_AS_TEXT, LOGIN_READ_AS_NUMBER, LOGIN_READ_AS_TRUTH };

/* Whether the text can be a user's login. Returns 0, or -1 with err set. */
int login_check(struct arena *memory, const char *text, struct error *err);

/* What Thunderbird on the desktop takes the login for. A number that it writes just as it was
 * (4711) counts as text. */
enum login_reading login_reading(const char *text);
