#pragma once

/* An HTTP response as plain values. */

#include "util/base.h"

struct match;
struct query;

/* All strings live as long as the request's arena, or are static. */
struct response {
	unsigned status;
	const char *media_type;
	const char *cache_control;
	const char *allow; /* the Allow field of a 405, else NULL */
	const char
		*allow_origin; /* the sites whose scripts may read it: "*" for all, NULL for none */
	const char *disposition; /* "attachment; filename=..." for what is to be saved, else NULL */
	const char *retry_after; /* seconds, of a 429; else NULL */
	const char *location;	 /* where a redirect leads, else NULL: never from a request */
	const char *body;
	size_t size;

	/* How it came about, for the log and for 'mailconfctl preview --explain'. */
	const char *protocol; /* "outlook", or NULL where no protocol was asked */
	const char *outcome;  /* "settings", or why not */
	bool is_refusal;
	const struct query *query; /* NULL where the request was not understood */
	const struct match *match; /* NULL where nothing was found */
};

/* A refusal with a short text for people, such as a 404. */
void response_set_text(struct response *response, unsigned status, const char *text);
