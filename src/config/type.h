#pragma once

/* What a setting can be: how its text is checked, and whether two of them differ. */

#include "util/base.h"

struct settings;
struct settings_key;
struct unit;

struct setting_type {
	/* Checks the text and puts its value into the settings, at the key's place; a list is
	 * added to. Returns 0, or -1 with err set to a sentence that quotes the text. */
	int (*parse)(struct arena *memory, const struct settings_key *key, const char *text,
		     struct settings *settings, struct error *err);
	bool (*equals)(const void *a, const void *b);
	bool is_list;		  /* of words; the key may be given in several lines */
	const struct unit *units; /* of a number */
};

extern const struct setting_type setting_public_name;	/* host[:port], or "" */
extern const struct setting_type setting_host_name;	/* or "" */
extern const struct setting_type setting_listen;	/* list of socket addresses */
extern const struct setting_type setting_proxy_listen;	/* the same, and unix sockets */
extern const struct setting_type setting_networks;	/* list of networks, which may be empty */
extern const struct setting_type setting_threads;	/* a number in the key's range; auto is 0 */
extern const struct setting_type setting_globs;		/* list of absolute paths, not empty */
extern const struct setting_type setting_path;		/* absolute */
extern const struct setting_type setting_optional_path; /* absolute, or "" */
extern const struct setting_type setting_https_url;
extern const struct setting_type setting_priorities; /* of GnuTLS, or "" */
extern const struct setting_type setting_choice;     /* one of the words that the key allows */
extern const struct setting_type setting_seconds;    /* a number in the key's range; 10 or 10s */
extern const struct setting_type
	setting_milliseconds;			  /* a number in the key's range; 500ms or 2s */
extern const struct setting_type setting_number;  /* in the key's range */
extern const struct setting_type setting_percent; /* in the key's range; 25% */

/* The text for an error: in double quotes, and short enough to leave room for what is to say. */
const char *setting_quote(struct arena *memory, const char *text);
