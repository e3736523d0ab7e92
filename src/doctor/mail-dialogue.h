#pragma once

/* The line protocols of mail: greeting, STARTTLS, capabilities. */

#include <stdint.h>

#include "mail/service.h"

struct arena;
struct error;
struct wire;

struct talk {
	struct wire *wire;
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
int talk_greet(struct talk *talk, enum service_kind kind, struct error *err);
int talk_capabilities(struct talk *talk, enum service_kind kind, struct error *err);

/* Asks for TLS; the handshake is the caller's next step. Not to be called unless it is offered. */
int talk_starttls(struct talk *talk, enum service_kind kind, struct error *err);

/* ManageSieve says its capabilities anew once TLS has begun. */
int talk_after_tls(struct talk *talk, enum service_kind kind, struct error *err);
