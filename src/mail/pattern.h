#pragma once

/*
 * Patterns from which login names and host names are made. The placeholders are those that mail
 * clients know too, and one of our own:
 *
 *     %EMAILADDRESS%    first.last@example.org
 *     %EMAILLOCALPART%  first.last
 *     %EMAILDOMAIN%     example.org
 *     %LOGIN%           the person's login name (in a service's pattern; never sent out)
 */

#include "util/base.h"

#define PATTERN_MAX_LENGTH 255

/* What the placeholders stand for. One that is NULL stays as it is. */
struct pattern_values {
	const char *address;
	const char *local;
	const char *domain;
	const char *login;
};

enum pattern_use { PATTERN_FOR_PROVIDER, PATTERN_FOR_SERVICE /* may use %LOGIN% */ };

/* Whether the text is a login pattern: not empty, no blank at its ends, no control character, no
 * unknown %WORD%. Returns 0, or -1 with err set. */
int pattern_check(struct arena *memory, const char *text, enum pattern_use use, struct error *err);

/* The pattern with its placeholders replaced, once: what is put in is not searched again. */
const char *pattern_expand(struct arena *memory, const char *pattern,
			   const struct pattern_values *values);

/* Whether the text holds a placeholder that a mail client would replace. */
bool pattern_has_placeholder(const char *text);

/* The host name of a service in its normal form (lower case, A-labels), in which %EMAILDOMAIN% may
 * stand for labels; NULL if it is none. Lives in memory. */
const char *host_pattern_parse(struct arena *memory, const char *text);
