#pragma once

/* Fetches what an admin gave a URL of. */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

/* Whether the text is a URL that can be fetched: https://..., http://... */
bool download_is_url(const char *text);

/*
 * Gets the document by HTTPS, by plain HTTP only where that is allowed; redirects, of which five
 * are followed, lead to HTTPS only. It has at most limit bytes and half a minute. authorities is a
 * file of certificates that are trusted instead of the system's, or NULL. Returns its bytes,
 * followed by a NUL that is not counted, in memory; or NULL with err set, in which the URL is
 * named.
 */
const char *download(struct arena *memory, const char *url, bool may_be_plain,
		     const char *authorities, size_t limit, size_t *ret_size, struct error *err);
