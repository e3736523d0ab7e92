#pragma once

/* What a mail client would make of a document: it is asked for as that client asks, and read by
 * that client's rules. */

#include "answer/answer.h"

struct arena;
struct error;

/* The values that --as takes. */
#define IMPRESSION_CLIENTS                                                                    \
	"outlook|activesync|new-outlook|thunderbird|thunderbird-android|fairemail|deltachat|" \
	"nextcloud|kmail|evolution|geary|apple|pacc"

struct impression {
	const char *client;   /* as --as has it */
	const char *document; /* as 'preview' has it */
	const char *address;
	const char *host;	     /* that is asked instead of the client's choice, or NULL */
	const struct sockaddr *from; /* the client's address, or NULL */

	const char *conclusion;	  /* "Geary: IMAP imap.example.org:993 TLS as fred; ..." */
	struct request request;	  /* whose answer it is about */
	struct response response; /* its answer */
};

/* Why the client makes nothing of such a document: it does not ask for it. NULL where it does. In
 * memory. */
const char *impression_misfit(struct arena *memory, const struct impression *impression);

/* Fills in the rest, where the client asks for the document. All lives in memory. Returns as
 * answer(), or -1 with err set. */
int impression_make(const struct context *context, struct arena *memory,
		    struct impression *impression, struct error *err);
