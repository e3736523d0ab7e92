#pragma once

/*
 * Challenges of ACME's HTTP-01 (RFC 8555 8.3): files in the directory that [acme] names, which the
 * daemon's plain port shows. uacme runs this very program, with a word in its environment, as its
 * hook that puts them there and takes them away.
 */

#include "util/base.h"

/* In the environment of the hook: the directory for challenges of HTTP-01, or the program that
 * answers those of DNS-01 (RFC 8555 8.4). All other types are declined. */
#define CHALLENGE_VARIABLE "MAILCONFCTL_CHALLENGES"
#define CHALLENGE_DNS_VARIABLE "MAILCONFCTL_DNS_HOOK"

/* What the line begins with that the hook writes where the program fails. */
#define CHALLENGE_DNS_FAILED "dns-hook "

/* Puts a challenge of our own there until challenge_hide(), and makes the directory if it is
 * missing. A server that repeats the path of a request in its response does not contain the text.
 * Returns 0, or -1 with err set. */
int challenge_show(struct arena *memory, const char *directory, const char **ret_token,
		   const char **ret_text, struct error *err);
void challenge_hide(const char *directory, const char *token);

/* Whether uacme runs us as its hook; if so, with what result. */
bool challenge_is_hook(void);
int challenge_hook(int argc, char *const *argv);
