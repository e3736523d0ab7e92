#pragma once

/* Stores providers that were read from another source. */

#include "util/base.h"

struct arguments;
struct admin;
struct draft;

/*
 * Adds the provider of a settled draft with its services and domains, and warns of what the draft
 * notes. With --replace an existing provider gets its services, texts and login, and domains of
 * other providers are reassigned; without it both are errors. Services without encryption need
 * --allow-plaintext. source is for messages. Returns 0 or -1 with err set.
 */
int draft_store(struct admin *admin, const struct arguments *arguments, const char *source,
		const struct draft *draft, struct error *err);
