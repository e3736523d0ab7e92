#pragma once

/* The line protocols of mail: greeting, STARTTLS, capabilities. */

#include <stdint.h>

#include "mail/service.h"

struct arena;
struct error;
struct stream;

struct dialogue {
	struct stream *stream;
	struct arena *memory;
	const char *own_name; /* for EHLO */
	const char *greeting; /* the server's first line */
	const char *name;     /* that it gives itself in EHLO's answer, or NULL */
	/* What it offers, in capitals with blanks between and around: " STARTTLS ";
	 * " PLAIN LOGIN " */
	const char *extensions;
	const char *mechanisms;
};

/* Each returns 0, or -1 with err set to what the server did instead. */
int dialogue_greet(struct dialogue *dialogue, enum service_kind kind, struct error *err);
int dialogue_capabilities(struct dialogue *dialogue, enum service_kind kind, struct error *err);

/* Asks for TLS; the handshake is the caller's next step. Not to be called unless it is offered. */
int dialogue_starttls(struct dialogue *dialogue, enum service_kind kind, struct error *err);

/* ManageSieve says its capabilities anew once TLS has begun. */
int dialogue_resume(struct dialogue *dialogue, enum service_kind kind, struct error *err);
