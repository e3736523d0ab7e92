#pragma once

/*
 * Challenges of ACME's HTTP-01 (RFC 8555 8.3): files in the directory that [acme] names, which the
 * daemon's plain port shows. uacme runs this very program, with a word in its environment, as its
 * hook that puts them there and takes them away.
 */

#include <stdbool.h>

struct arena;
struct error;
struct words;

/* In the environment of the hook: the directory for challenges of HTTP-01, or the program that
 * answers those of DNS-01 (RFC 8555 8.4). All other types are declined. */
#define CHALLENGE_VARIABLE "MAILCONFCTL_CHALLENGES"
#define CHALLENGE_DNS_VARIABLE "MAILCONFCTL_DNS_HOOK"

/* What the line begins with that the hook writes where the program fails. */
#define CHALLENGE_DNS_FAILED "dns-hook "

/* Makes the directory, with those above it that are missing. Returns 0, or -1 with err set. */
int challenge_make_directory(const char *directory, struct error *err);

/* Puts a challenge of our own there until challenge_hide(). A server that repeats the path of a
 * request does not give the text away. Returns 0, or -1 with err set. */
int challenge_show(struct arena *memory, const char *directory, const char **ret_token,
		   const char **ret_text, struct error *err);
void challenge_hide(const char *directory, const char *token);

/*
 * Puts a challenge there, and asks the plain port of this machine for it: an authority that is
 * asked in vain may refuse to be asked again for hours. listen_http is that of the settings.
 * Returns 0, or -1 with err set to a sentence that says what to look at.
 */
int challenge_try(struct arena *memory, const char *directory, const struct words *listen_http,
		  struct error *err);

/* Whether uacme runs us as its hook; if so, with what result. */
bool challenge_is_hook(void);
int challenge_hook(int argc, char *const *argv);
