#pragma once

/* What a mail client would make of a document: it is requested as that client does, and read by
 * that client's rules. */

#include "answer/answer.h"
#include "util/base.h"

/* The values of --as. */
#define PREVIEW_CLIENTS                                                                       \
	"outlook|activesync|new-outlook|thunderbird|thunderbird-android|fairemail|deltachat|" \
	"nextcloud|kmail|evolution|geary|apple|pacc"

struct client_preview {
	const char *client;   /* a value of --as */
	const char *document; /* as 'preview' calls it */
	const char *address;
	const char *host;	     /* asked instead of the client's choice, or NULL */
	const struct sockaddr *from; /* the client's address, or NULL */

	const char *settings;	  /* "Geary: IMAP imap.example.org:993 TLS as fred; ..." */
	struct response response; /* with the document */
};

/* Returns NULL where the client requests the document, or a sentence that says what it requests
 * instead. In memory. */
const char *client_preview_check(struct arena *memory, const struct client_preview *preview);

/* Fills in the second part of a checked preview. All lives in memory. Returns as answer(), or -1
 * with err set. */
int client_preview_make(const struct context *context, struct arena *memory,
			struct client_preview *preview, struct error *err);
