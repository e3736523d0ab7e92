#pragma once

/*
 * A link: a page on the web that a provider wants its people to see, with what it says about the
 * page in each language. "documentation" tells how to set up a client, "enable" is where a person
 * has to turn on access by clients first.
 */

#include <stddef.h>

struct arena;
struct error;

#define LINKS_MAX 16
#define LINK_TEXTS_MAX 32
#define LINK_TEXT_MAX_LENGTH 500
#define LANGUAGE_MAX_LENGTH 35 /* RFC 5646 4.4.1 */

#define LINK_KIND_WORDS "documentation|enable"

enum link_kind { LINK_DOCUMENTATION, LINK_ENABLE, LINK_KINDS };

struct link_text {
	const char *language; /* "en", "pt-br" */
	const char *text;
};

struct link {
	enum link_kind kind;
	const char *url;
	const struct link_text *texts; /* one for each language, in the order of documents */
	size_t n_texts;
};

/* "documentation", "enable". */
const char *link_kind_name(enum link_kind kind);

/* The kind of that name. Returns 0, or -1 with err set. */
int link_kind_parse(struct arena *memory, const char *text, enum link_kind *ret_kind,
		    struct error *err);

/* A language tag in the shape of BCP 47, in lower case. Lives in memory. Returns NULL with err
 * set. */
const char *language_parse(struct arena *memory, const char *text, struct error *err);
