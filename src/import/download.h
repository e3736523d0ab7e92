#pragma once

/* Downloads a document from a URL of the administrator. */

#include "util/base.h"

/* Whether the text begins as such a URL: https://..., http://... */
bool download_is_url(const char *text);

/*
 * Downloads up to limit bytes by HTTPS, or by plain HTTP if that is allowed, within half a minute.
 * Up to five redirects are followed, to HTTPS only. ca_file replaces the trusted CAs of the system,
 * unless it is NULL. Returns the bytes in memory, followed by a NUL that is not counted; or NULL
 * with err set, which names the URL.
 */
const char *download(struct arena *memory, const char *url, bool may_be_plain, const char *ca_file,
		     size_t limit, size_t *ret_size, struct error *err);
