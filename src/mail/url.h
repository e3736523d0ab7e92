#pragma once

/* Addresses of web pages and names of hosts, which an admin gives and clients are sent to. */

#include "util/base.h"

#define URL_MAX_LENGTH 1000

enum url_use { URL_OF_SERVICE /* https only */, URL_OF_PAGE /* http, too */ };

/*
 * The URL in its normal form: scheme and host in lower case, the host in A-labels, no port where
 * it is the usual one. what names it in the error ("web mail address"). Lives in memory. Returns
 * NULL with err set.
 */
const char *url_parse(struct arena *memory, const char *what, const char *text, enum url_use use,
		      struct error *err);

/* An issuer of tokens: an https URL, as url_parse() gives it, or a host name. Lives in memory.
 * Returns NULL with err set. */
const char *issuer_parse(struct arena *memory, const char *text, struct error *err);

/* HOST[:PORT], which URLs begin with: the host in A-labels. Lives in memory. Returns NULL where the
 * text is none. */
const char *public_name_parse(struct arena *memory, const char *text);

/* Whether the text can follow a host, up to the fragment: it goes into XML, JSON and client code as
 * it is, so it has visible ASCII only, and nothing that would end it. */
bool url_path_is_valid(const char *path);
