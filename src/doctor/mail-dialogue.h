#pragma once

/* The line protocols of mail: greeting, STARTTLS, capabilities. */

#include "mail/service.h"
#include "util/base.h"

struct stream;

struct dialogue {
	struct stream *stream;
	struct arena *memory;
	enum service_kind kind;
	const char *name; /* the server's own in the response to EHLO, or NULL */
	/* What the server offers, in capitals with spaces between and around: " STARTTLS ";
	 * " PLAIN LOGIN " */
	struct bytes extensions, mechanisms;
};

/* Each returns 0, or -1 with err set to what the server did instead. */
int dialogue_greet(struct dialogue *dialogue, struct error *err);
int dialogue_capabilities(struct dialogue *dialogue, struct error *err);

/* Asks for TLS, if it is offered; the handshake is the caller's next step. */
int dialogue_starttls(struct dialogue *dialogue, struct error *err);

/* Reads what ManageSieve sends after the handshake: its capabilities again. */
int dialogue_resume(struct dialogue *dialogue, struct error *err);
